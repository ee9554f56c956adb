# bash completion for kith: it asks kith itself what may come next.
_kith() {
    local line=${COMP_LINE:0:COMP_POINT} words current
    # Split by blanks only: `=` and `:` belong to the words of kith.
    read -r -a words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    current=${words[${#words[@]} - 1]}

    COMPREPLY=()
    local candidate
    while IFS= read -r candidate; do
        # Readline replaces only what stands behind the last `=` or `:`.
        [[ $current == *[=:]* ]] && candidate=${candidate#"${current%"${current##*[=:]}"}"}
        COMPREPLY+=("$candidate")
    done < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)

    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    # A file, where kith has nothing to offer (kith import FILE).
    [[ ${#COMPREPLY[@]} -eq 0 ]] && compopt -o default
    return 0
}
complete -F _kith kith
