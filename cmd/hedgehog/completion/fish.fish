# fish completion for hedgehog. For this shell:
#   hedgehog completion fish | source
# for all: hedgehog completion fish > ~/.config/fish/completions/hedgehog.fish

function __hedgehog_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    set -l lines ($program __complete -- $words "$current" 2>/dev/null)
    switch "$lines[1]"
        case :files
            __fish_complete_path "$current"
        case :dirs
            __fish_complete_directories "$current"
        case '*'
            printf '%s\n' $lines
    end
end

complete -c hedgehog -f -a '(__hedgehog_complete)'
