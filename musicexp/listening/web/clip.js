// One clip: plays, pauses, goes to a place, and knows which of it was heard.

const BINS_A_SECOND = 10;

export class Clip {
  // context: AudioContext; buffer: AudioBuffer; changed: called when playing begins or ends.
  constructor(context, buffer, changed) {
    this.context = context;
    this.buffer = buffer;
    this.changed = changed;
    this.source = null;
    this.from = 0; // where in the clip the source began, in seconds
    this.begun = 0; // when it began, in the context's time
    this.seen = 0; // up to where what was heard is counted
    this.bins = new Uint8Array(Math.ceil(buffer.duration * BINS_A_SECOND));
  }

  get seconds() {
    return this.buffer.duration;
  }

  get playing() {
    return this.source !== null;
  }

  get place() {
    if (!this.playing) return this.from;
    const gone = Math.max(0, this.context.currentTime - this.begun);
    return Math.min(this.seconds, this.from + gone);
  }

  // Seconds of the clip that were played at least once.
  get heard() {
    return Math.min(this.seconds, this.bins.reduce((sum, bin) => sum + bin, 0) / BINS_A_SECOND);
  }

  get over() {
    return !this.playing && this.from >= this.seconds;
  }

  play() {
    if (this.playing) return;
    if (this.over) this.from = 0;
    const source = this.context.createBufferSource();
    source.buffer = this.buffer;
    source.connect(this.context.destination);
    source.onended = () => this.ended(source);
    source.start(0, this.from);
    this.source = source;
    this.begun = this.context.currentTime;
    this.seen = this.from;
    this.changed(this);
  }

  pause() {
    if (!this.playing) return;
    this.count();
    const place = this.place;
    const source = this.source;
    this.source = null;
    this.from = place;
    source.onended = null;
    source.stop();
    source.disconnect();
    this.changed(this);
  }

  goTo(seconds) {
    const goesOn = this.playing;
    this.pause();
    this.from = Math.min(Math.max(0, seconds), this.seconds);
    if (goesOn && this.from < this.seconds) this.play();
  }

  // Count what was played since the last time.
  count() {
    if (!this.playing) return;
    const place = this.place;
    for (let bin = Math.floor(this.seen * BINS_A_SECOND); bin < Math.floor(place * BINS_A_SECOND); bin += 1) {
      if (bin < this.bins.length) this.bins[bin] = 1;
    }
    if (place >= this.seconds) this.bins[this.bins.length - 1] = 1;
    this.seen = Math.floor(place * BINS_A_SECOND) / BINS_A_SECOND;
  }

  ended(source) {
    if (this.source !== source) return;
    this.count();
    this.source = null;
    this.from = this.seconds;
    source.disconnect();
    this.changed(this, true);
  }
}

// The sound at an address of this server, decoded.
export async function sound(context, word) {
  const answer = await fetch(`clip/${word}`, { cache: "no-store" });
  if (!answer.ok) throw new Error((await answer.json()).error);
  return context.decodeAudioData(await answer.arrayBuffer());
}
