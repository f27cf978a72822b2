# bash completion for hedgehog. For this shell:
#   source <(hedgehog completion bash)
# for all: hedgehog completion bash > ~/.local/share/bash-completion/completions/hedgehog

_hedgehog() {
    # The words are taken from the line: bash splits them at colons too.
    local line=${COMP_LINE:0:COMP_POINT} words=() current prefix candidate
    read -ra words <<<"$line"
    case $line in
    *[[:space:]]) words+=("") ;;
    esac
    current=${words[${#words[@]} - 1]}
    prefix=${current%"${current##*[:=]}"} # what bash takes for words before
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        case $candidate in
        :files)
            compopt -o default
            return
            ;;
        :dirs)
            compopt -o dirnames
            return
            ;;
        *:) compopt -o nospace ;;
        esac
        COMPREPLY+=("${candidate#"$prefix"}")
    done < <("$1" __complete -- "${words[@]:1}" 2>/dev/null)
}

complete -F _hedgehog hedgehog
