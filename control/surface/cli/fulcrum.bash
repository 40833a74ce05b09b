# Completion of fulcrum(1) for bash: the program itself says how a line may go on.
_fulcrum() {
  local word="${COMP_WORDS[COMP_CWORD]}" words=()
  # A colon splits words for bash, but not for fulcrum.
  if declare -F _get_comp_words_by_ref > /dev/null; then
    local cword
    _get_comp_words_by_ref -n : -w words -i cword -c word
    words=("${words[@]:1:cword}")
  else
    words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  fi
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W '--json --no-color --runtime-dir --login --version --help' -- "$word")
    return
  fi
  mapfile -t COMPREPLY < <(fulcrum --complete "${words[@]}" 2> /dev/null)
  if declare -F __ltrim_colon_completions > /dev/null; then __ltrim_colon_completions "$word"; fi
}
complete -F _fulcrum fulcrum
