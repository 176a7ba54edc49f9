"""The look of a page: one style sheet, light and dark, from a phone's width up."""

from __future__ import annotations

from musicexp.render.figure_style import CHART_STYLE, DARK, LIGHT, colours

STYLE = f"""
:root{{color-scheme:light dark;{colours(LIGHT)}}}
@media (prefers-color-scheme:dark){{:root{{{colours(DARK)}}}}}
{CHART_STYLE}"""
STYLE += """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--paper);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
.wide{max-width:70rem;margin:0 auto;padding:0 1.25rem}
header{padding:2.5rem 0 0}
h1{font-size:clamp(1.7rem,1.2rem + 2vw,2.5rem);line-height:1.15;letter-spacing:-.02em;margin:0;overflow-wrap:anywhere;text-wrap:balance}
h2{font-size:1.35rem;line-height:1.25;letter-spacing:-.01em;margin:0 0 .35rem}
h3{font-size:1rem;margin:0 0 .3rem}
p{margin:.35rem 0;max-width:46rem}
.lead{color:var(--soft);margin:.5rem 0 0;overflow-wrap:anywhere}
section{padding-top:2.6rem}
.note{color:var(--soft);font-size:.9rem}
a{color:var(--one);text-underline-offset:.15em}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.35rem 1.1rem;margin:1.2rem 0 0;padding:.7rem 0;border-block:1px solid var(--line);font-size:.92rem}
code{font:.88em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;background:var(--tint);border-radius:4px;padding:.1em .35em;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin:1.5rem 0 0;padding:0}
.tiles div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.75rem .95rem .8rem}
.tiles dt{color:var(--soft);font-size:.84rem}
.tiles dd{margin:0;font-size:1.55rem;font-weight:600;letter-spacing:-.02em;line-height:1.25;font-variant-numeric:tabular-nums}
.tiles dd small{display:block;font-size:.84rem;font-weight:400;letter-spacing:0;color:var(--soft);line-height:1.4}
.remarks{background:var(--warn);border-left:3px solid var(--edge);border-radius:0 8px 8px 0;margin:1.25rem 0 0;padding:.8rem 1.1rem}
.remarks ul{margin:.2rem 0 0;padding-left:1.1rem}
.remarks li{margin:.25rem 0;max-width:52rem;overflow-wrap:anywhere}
.facts{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.4rem 1.25rem;margin:.8rem 0 0;max-width:52rem}
.facts dt{color:var(--soft)}
.facts dd{margin:0;overflow-wrap:anywhere}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(20rem,100%),1fr));gap:1.5rem 2rem;margin-top:1rem;align-items:start}
.grid>*{min-width:0}
figure{margin:0}
figcaption{font-weight:600;margin-bottom:.3rem}
figcaption small{display:block;font-weight:400;color:var(--soft);font-size:.86rem;line-height:1.4}
.scroll{overflow-x:auto;margin-top:.6rem}
.scroll+.scroll,p+.scroll{margin-top:1.4rem}
.scroll:focus-visible,.rolls:focus-visible,a:focus-visible,summary:focus-visible{outline:2px solid var(--one);outline-offset:3px;border-radius:3px}
table{border-collapse:collapse;width:100%;font-size:.92rem}
caption{text-align:left;font-weight:600;padding-bottom:.35rem}
th,td{padding:.34rem .8rem .34rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--soft);font-weight:500;font-size:.86rem;vertical-align:bottom;border-bottom-color:var(--soft)}
tbody th{font-weight:400}
.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.name{overflow-wrap:anywhere}
tr.own th,tr.own td{background:var(--tint)}
.tag{display:inline-block;background:var(--tint);border-radius:4px;padding:0 .4em;font-size:.84em;color:var(--soft);white-space:nowrap}
.tag.held{color:var(--two)}
.rolls{overflow-x:auto;margin-top:.2rem}
.roll{position:relative;display:flex;height:9.4rem;padding-bottom:1.3rem}
.pitches{position:relative;flex:0 0 2.1rem;font-size:.72rem;color:var(--soft)}
.pitches span{position:absolute;right:.45rem;transform:translateY(-50%)}
.sheet{position:relative;flex:1;min-width:0}
.sheet svg{height:100%;background:var(--card);border:1px solid var(--line)}
.sheet path{vector-effect:non-scaling-stroke}
.bars{position:relative;height:1.3rem;font-size:.72rem;color:var(--soft);font-variant-numeric:tabular-nums}
.bars span{position:absolute;top:.1rem}
.octave,.bar-line{stroke:var(--line);stroke-width:1;fill:none}.octave{stroke-dasharray:2 3}
.voice0{fill:var(--one)}.voice1{fill:var(--two)}.voice2{fill:var(--three)}.voice3{fill:var(--four)}
.examples{display:grid;grid-template-columns:minmax(0,1fr);gap:1.4rem;margin-top:1rem}
.narrow{max-width:40rem}
.groups{columns:22rem;column-gap:2rem;margin:.6rem 0 0;padding:0;list-style:none}
.groups>li{break-inside:avoid;margin-bottom:1rem}
.groups ul{margin:.15rem 0 0;padding-left:1.1rem;font-size:.92rem}
footer{color:var(--soft);font-size:.88rem;border-top:1px solid var(--line);margin-top:3rem;padding:1rem 0 3rem}
.grid.two{grid-template-columns:repeat(auto-fit,minmax(min(24rem,100%),1fr));gap:1.8rem 2.5rem}
@media (min-width:54rem){.two .label{font-size:8.6px}}
@media (max-width:34rem){.wide{padding:0 1rem}header{padding-top:1.5rem}.tiles{grid-template-columns:1fr 1fr}.tiles dd{font-size:1.3rem}.tiles div:last-child:nth-child(odd){grid-column:1/-1}
.facts{grid-template-columns:1fr;gap:0}.facts dd{margin-bottom:.6rem}}
@media print{nav{display:none}section{break-inside:avoid}}
"""
