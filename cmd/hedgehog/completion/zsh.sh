#compdef hedgehog
# zsh completion for hedgehog. For this shell:
#   source <(hedgehog completion zsh)
# for all: hedgehog completion zsh > _hedgehog, in a directory of $fpath

_hedgehog() {
    local -a lines candidates
    local line word
    lines=("${(@f)$("${words[1]}" __complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
    case ${lines[1]} in
    :files)
        _files
        return
        ;;
    :dirs)
        _files -/
        return
        ;;
    esac
    for line in $lines; do
        word=${line%%$'\t'*}
        candidates+=("${word//:/\\:}${${line#"$word"}/$'\t'/:}")
    done
    _describe hedgehog candidates -M 'm:{a-z}={A-Z}'
}

if [ "${funcstack[1]}" = _hedgehog ]; then
    _hedgehog "$@"
else
    compdef _hedgehog hedgehog
fi
