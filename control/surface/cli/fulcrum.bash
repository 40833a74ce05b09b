# Completion of fulcrum(1) for bash: the program itself says how a line may go on.
_fulcrum() {
  local word="${COMP_WORDS[COMP_CWORD]}" words=() before dashes='' has_command='' is_value=''
  # A colon splits words for bash, but not for fulcrum.
  if declare -F _get_comp_words_by_ref > /dev/null; then
    local cword
    _get_comp_words_by_ref -n : -w words -i cword -c word
    words=("${words[@]:1:cword}")
  else
    local line="${COMP_LINE:0:COMP_POINT}"
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] && words+=('')
    words=("${words[@]:1}")
    word="${words[-1]}"
  fi
  # Options of the program stand before the command, those of the command behind it.
  for before in "${words[@]::${#words[@]}-1}"; do
    if [[ -n $is_value ]]; then
      is_value=''
    elif [[ $before == --runtime-dir || $before == -c ]]; then
      is_value=$before
    elif [[ $before != -* ]]; then
      has_command=yes
    fi
  done
  if [[ $is_value == --runtime-dir ]]; then
    mapfile -t COMPREPLY < <(compgen -d -- "$word")
    return
  fi
  if [[ $word == -* && -z $has_command ]]; then
    local options='--json --no-color --runtime-dir --complete --login --manual --version --help -c -l'
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
    return
  fi
  if [[ $word == --* ]]; then
    dashes=--
    words[-1]="${word#--}"
  fi
  mapfile -t COMPREPLY < <(fulcrum --complete "${words[@]}" 2> /dev/null)
  COMPREPLY=("${COMPREPLY[@]/#/$dashes}")
  # What stands before the last colon bash has already.
  if [[ $word == *:* ]]; then COMPREPLY=("${COMPREPLY[@]#"${word%:*}:"}"); fi
}
complete -F _fulcrum fulcrum
