"""`completion`: the scripts that teach bash, zsh and fish to complete musicexp.

Each script only finds out what was typed, asks the same program (`musicexp complete WORDS`, or
`python -m musicexp complete WORDS` with that very python) and inserts what it answers; every choice is
made in `complete`. A blank follows a candidate unless that ends in `=` or `/`. Any other use of python
is left to what completed it before.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from musicexp.errors import SettingError

SHELLS = ("bash", "zsh", "fish")
PYTHONS = "python python3 python3.11 python3.12 python3.13"
HELP = """python -m musicexp completion bash|zsh|fish

Prints a script that completes the commands, settings and runs of `musicexp` and `python -m musicexp`. To keep it:
bash   python -m musicexp completion bash >> ~/.bashrc
zsh    python -m musicexp completion zsh >> ~/.zshrc
fish   python -m musicexp completion fish > ~/.config/fish/conf.d/musicexp.fish
For one session: eval "$(python -m musicexp completion bash)", the same in zsh; in fish: ... completion fish | source"""


def main(words: Sequence[str]) -> int:
    """Print the script of the shell that is named.

    Raises:
        SettingError: no shell is named, several are, or one that we do not know.
    """
    if "--help" in words or "-h" in words:
        print(HELP)
        return 0
    if len(words) != 1:
        given = f"not {' '.join(words)!r}" if words else "as in `python -m musicexp completion bash`"
        raise SettingError(f"completion wants one shell, bash, zsh or fish, {given}")
    print(script(words[0]), end="")
    return 0


def script(shell: str) -> str:
    """The script for a shell.

    Raises:
        SettingError: the shell is none of `SHELLS`.
    """
    if shell not in SCRIPTS:
        near = difflib.get_close_matches(shell.lower(), SHELLS, n=1)
        advice = f"did you mean {near[0]}? It" if near else "it"
        raise SettingError(f"there is no completion for {shell!r}: {advice} may be bash, zsh or fish")
    return SCRIPTS[shell].replace("@PYTHONS@", PYTHONS)


# Readline cuts the line at = and : (COMP_WORDBREAKS) and replaces only what is behind the last of them,
# so the words are read from COMP_LINE, and what readline keeps is cut off. No arrays by name and no
# mapfile, because macOS has bash 3.2; that lacks compopt too, so there a blank follows even `=`.
BASH = r"""# musicexp: completion for bash

# Reads the words of $1 into _musicexp_words, without their quotes; the last one may be empty.
# _musicexp_quote is the quote that is still open at the end.
_musicexp_split() {
    local line=$1 word='' started='' char i
    _musicexp_words=() _musicexp_quote=''
    for ((i = 0; i < ${#line}; i++)); do
        char=${line:i:1}
        if [[ $char == "$_musicexp_quote" ]]; then
            _musicexp_quote=''
        elif [[ $_musicexp_quote == "'" ]]; then
            word+=$char
        elif [[ $char == '\' && ( -z $_musicexp_quote || ${line:i+1:1} == [\\\"\$\`] ) ]]; then
            ((i++))
            word+=${line:i:1} started=1
        elif [[ -n $_musicexp_quote ]]; then
            word+=$char
        elif [[ $char == [\'\"] ]]; then
            _musicexp_quote=$char started=1
        elif [[ $char == [[:space:]] ]]; then
            [[ -n $started ]] && _musicexp_words+=("$word")
            word='' started=''
        else
            word+=$char started=1
        fi
    done
    _musicexp_words+=("$word")
}

# Asks the program "$3 ..." about the words from $2 on; $1 is what readline will replace.
_musicexp_ask() {
    local begun=$1 first=$2 kept candidate
    shift 2
    local program=("${@/#\~\//$HOME/}") words=("${_musicexp_words[@]:first}") quote=$_musicexp_quote
    local line=${COMP_LINE:0:COMP_POINT}
    compopt +o default +o bashdefault +o filenames +o dirnames +o plusdirs +o nospace -o nosort 2>/dev/null
    _musicexp_split "${line%"$begun"}"
    kept=${_musicexp_words[${#_musicexp_words[@]} - 1]}
    while IFS= read -r candidate; do
        [[ -n $candidate ]] || continue
        [[ $candidate == *[=/] ]] && compopt -o nospace 2>/dev/null
        candidate=${candidate#"$kept"}
        if [[ $quote == "'" ]]; then
            [[ $candidate != *"'"* ]] || continue
        elif [[ $quote == '"' ]]; then
            candidate=${candidate//\\/\\\\} candidate=${candidate//\"/\\\"}
            candidate=${candidate//\$/\\\$} candidate=${candidate//\`/\\\`}
        elif [[ $candidate == *[!A-Za-z0-9_.,:=/+@%-]* ]]; then
            printf -v candidate %q "$candidate"
        fi
        COMPREPLY+=("$candidate")
    done <<<"$("${program[@]}" complete "${words[@]}" 2>/dev/null </dev/null)"
}

_musicexp() {
    local _musicexp_words _musicexp_quote
    COMPREPLY=()
    _musicexp_split "${COMP_LINE:0:COMP_POINT}"
    _musicexp_ask "${2-}" 1 "${_musicexp_words[0]}"
}

_musicexp_python() {
    local _musicexp_words _musicexp_quote i=1 last
    COMPREPLY=()
    _musicexp_split "${COMP_LINE:0:COMP_POINT}"
    last=$((${#_musicexp_words[@]} - 1))
    while ((i < last)); do
        case ${_musicexp_words[i]} in
            -m) break ;;
            -X | -W) ((i += 2)) ;;
            -[bBdEIOPqRsSuvxXW]*) ((i += 1)) ;;
            *) i=$last ;;
        esac
    done
    if ((i + 1 < last)) && [[ ${_musicexp_words[i + 1]} == musicexp ]]; then
        _musicexp_ask "${2-}" $((i + 2)) "${_musicexp_words[@]:0:i+2}"
    else
        _musicexp_otherwise "$@"
    fi
}

# What completed this python before, if anything did: a function, or the words of another `complete`.
_musicexp_otherwise() {
    local name=${1##*/} spec candidate function='(^| )-F ([^ ]+)'
    name="_musicexp_before_${name//[!A-Za-z0-9]/_}"
    spec=${!name-}
    if [[ $spec =~ $function ]]; then
        "${BASH_REMATCH[2]}" "$@"
    elif [[ -n $spec ]]; then
        while IFS= read -r candidate; do
            [[ -z $candidate ]] || COMPREPLY+=("$candidate")
        done <<<"$(eval "compgen $spec -- \"\${2-}\"" 2>/dev/null)"
    fi
}

_musicexp_register() {
    local name spec options loader option='-o ([a-z]+)(.*)'
    complete -F _musicexp musicexp
    for name in @PYTHONS@; do
        for loader in _comp_complete_load _completion_loader; do
            # bash-completion reads its rules when they are first wanted, so want them now.
            if ! complete -p "$name" &>/dev/null && declare -F "$loader" >/dev/null; then
                "$loader" "$name" "" "$name" &>/dev/null
            fi
        done
        spec=$(complete -p "$name" 2>/dev/null)
        [[ $spec == *' -F _musicexp_python '* ]] && continue
        spec=${spec#complete } spec=${spec%"$name"} options=$spec
        printf -v "_musicexp_before_${name//[!A-Za-z0-9]/_}" %s "$spec"
        local kept=()
        while [[ $options =~ $option ]]; do
            kept+=(-o "${BASH_REMATCH[1]}") options=${BASH_REMATCH[2]}
        done
        [[ -n $spec ]] || kept=(-o bashdefault -o default)
        complete ${kept[@]+"${kept[@]}"} -F _musicexp_python "$name"
    done
}
_musicexp_register
"""

ZSH = r"""# musicexp: completion for zsh

(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }

# Asks the program "$2 ..." about the words from $1 on.
_musicexp_ask() {
    local -i first=$1
    shift
    local -a program=("$@") asked=("${(@Q)words[first,CURRENT-1]}") found open closed
    program[1]=${program[1]/#\~\//$HOME/}
    asked=("${(@)asked[1,CURRENT-first]}" "${(Q)PREFIX}")
    found=(${(f)"$("${(@)program}" complete "${(@)asked}" 2>/dev/null </dev/null)"})
    open=(${(M)found:#*[=/]}) closed=(${found:#*[=/]})
    (( $#found )) || return 1
    compadd -V musicexp -- $closed
    compadd -V musicexp -S '' -- $open
}

_musicexp() {
    _musicexp_ask 2 "${(Q)words[1]}"
}

_musicexp_python() {
    local -i i=2
    while (( i < CURRENT )); do
        case ${(Q)words[i]} in
            (-m) break ;;
            (-X|-W) (( i += 2 )) ;;
            (-[bBdEIOPqRsSuvxXW]*) (( i += 1 )) ;;
            (*) i=$CURRENT ;;
        esac
    done
    if (( i + 1 < CURRENT )) && [[ ${(Q)words[i+1]} == musicexp ]]; then
        _musicexp_ask $(( i + 2 )) "${(@Q)words[1,i+1]}"
    else
        ${=_musicexp_before[${words[1]:t}]:-_default}
    fi
}

# What completed each python before; zsh brings _python along.
typeset -gA _musicexp_before
() {
    local name
    compdef _musicexp musicexp
    for name in @PYTHONS@; do
        [[ ${_comps[$name]-} != _musicexp_python ]] || continue
        _musicexp_before[$name]=${_comps[$name]:-${_musicexp_before[python]:-_default}}
        compdef _musicexp_python $name
    done
}
"""

FISH = r"""# musicexp: completion for fish

# Prints how many of the words before the cursor start musicexp; fails if they do not.
function __musicexp_start
    set -l words (commandline -opc)
    set -l i 1
    while string match -qr '^\w+=' -- "$words[$i]"
        set i (math $i + 1)
    end
    if not string match -qr '(^|/)python[0-9.]*$' -- "$words[$i]"
        echo $i
        return 0
    end
    set i (math $i + 1)
    while test $i -lt (count $words)
        switch $words[$i]
            case -m
                test "$words[$(math $i + 1)]" = musicexp
                and echo (math $i + 1)
                return
            case -X -W
                set i (math $i + 2)
            case '-*'
                string match -qr '^-[bBdEIOPqRsSuvxXW]' -- $words[$i]
                or return 1
                set i (math $i + 1)
            case '*'
                return 1
        end
    end
    return 1
end

function __musicexp_candidates
    set -l start (__musicexp_start)
    or return
    set -l words (commandline -opc)
    set -l program (string replace -r '^~/' "$HOME/" -- $words[1..$start])
    set -e words[1..$start]
    set -l typed (commandline -ct)
    set -l current (string unescape -- $typed 2>/dev/null)
    or set current (string replace -ra '[\'"]' '' -- $typed)
    env $program complete $words "$current" 2>/dev/null </dev/null
end

complete -c musicexp -f -k -a '(__musicexp_candidates)'
for name in @PYTHONS@
    complete -c $name -n __musicexp_start -f -k -a '(__musicexp_candidates)'
end
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
