# Completion of weir(1) for bash.

_weir_containers() {
  local i directory=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    [[ ${COMP_WORDS[i]} == --dir ]] && directory=(--dir "${COMP_WORDS[i + 1]}")
  done
  weir ls "${directory[@]}" 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# The value of the option before the cursor. False: it takes none we know.
_weir_value() {
  case $1 in
    -n | --name) COMPREPLY=($(compgen -W "$(_weir_containers)" -- "$2")) ;;
    --format) COMPREPLY=($(compgen -W "text json$([[ $3 == stat ]] && echo ' prometheus')" -- "$2")) ;;
    --dump-format) COMPREPLY=($(compgen -W "text json prometheus" -- "$2")) ;;
    --oom) COMPREPLY=($(compgen -W "kill group enomem pause:" -- "$2")) ;;
    --background | --load-control) COMPREPLY=($(compgen -W "on off" -- "$2")) ;;
    --meter) COMPREPLY=($(compgen -W "auto fallback" -- "$2")) ;;
    --log) COMPREPLY=($(compgen -W "auto off error warn info debug" -- "$2")) ;;
    --type) COMPREPLY=($(compgen -W "zram file" -- "$2")) ;;
    --exec) COMPREPLY=($(compgen -c -- "$2")) ;;
    --policy) COMPREPLY=($(compgen -W "$([[ $3 == replay ]] && echo weir direct refaults fixed || echo reserve lazy stay)" -- "$2")) ;;
    --dir) COMPREPLY=($(compgen -d -- "$2")) ;;
    -o | --record | --dump-file | --path) COMPREPLY=($(compgen -f -- "$2")) ;;
    -m | --limit | --proactive | --thrash | --high | --low | --swap-max | --size | --to | --by | --usage | --count | --timeout | --interval | --threads | --processes) COMPREPLY=() ;;
    *) return 1 ;;
  esac
}

# Where the command of `weir run` begins, or nothing.
_weir_run_offset() {
  local i=$1
  while ((i < COMP_CWORD)); do
    case ${COMP_WORDS[i]} in
      --) echo $((i + 1)) && return ;;
      -*) ((i += 2)) ;;
      *) echo "$i" && return ;;
    esac
  done
}

_weir() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local at=1 command offset
  COMPREPLY=()
  [[ ${COMP_WORDS[1]} == --dir ]] && at=3
  command=${COMP_WORDS[at]}
  if ((COMP_CWORD <= at)); then
    _weir_value "$previous" "$current" "$command" && return
    COMPREPLY=($(compgen -W "run record replay ls stat set reclaim events move kill rm doctor swap notify top
      --dir --help --version" -- "$current"))
    return
  fi
  if [[ $command == run || $command == record ]]; then
    offset=$(_weir_run_offset $((at + 1)))
    if [[ -n $offset ]]; then
      declare -F _command_offset >/dev/null && _command_offset "$offset"
      return
    fi
  fi
  _weir_value "$previous" "$current" "$command" && return
  case $command in
    run | record)
      if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "--name --limit --high --low --swap-max --oom --background --load-control --proactive
          --thrash --threads --processes --meter --record --dump-file
          --dump-format --log --dir --help --" -- "$current"))
      else
        COMPREPLY=($(compgen -c -- "$current"))
      fi
      ;;
    ls | doctor) COMPREPLY=($(compgen -W "--format --dir --help" -- "$current")) ;;
    stat) COMPREPLY=($(compgen -W "$(_weir_containers) --format --dir --help" -- "$current")) ;;
    events) COMPREPLY=($(compgen -W "$(_weir_containers) --follow --format --dir --help" -- "$current")) ;;
    notify)
      COMPREPLY=($(compgen -W "$(_weir_containers) --usage --pressure --below --count --timeout --exec --format
        --dir --help" -- "$current"))
      ;;
    top) COMPREPLY=($(compgen -W "--interval --once --dir --help" -- "$current")) ;;
    reclaim) COMPREPLY=($(compgen -W "$(_weir_containers) --to --by --detach --format --dir --help" -- "$current")) ;;
    move) COMPREPLY=($(compgen -W "$(_weir_containers) --policy --dry-run --dir --help" -- "$current")) ;;
    replay)
      COMPREPLY=($(compgen -f -W "--limit --high --low --policy --json --dir --help" -- "$current"))
      ;;
    kill | rm) COMPREPLY=($(compgen -W "$(_weir_containers) --dir --help" -- "$current")) ;;
    set)
      COMPREPLY=($(compgen -W "$(_weir_containers) limit= high_watermark= low_watermark= swap_limit= min= oom= background= load_control=
        proactive= thrash=
        --dir --help" -- "$current"))
      [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace
      ;;
    swap)
      case ${COMP_WORDS[at + 1]} in
        add) COMPREPLY=($(compgen -W "--size --type --path --dir --help" -- "$current")) ;;
        rm) COMPREPLY=($(compgen -W "--dir --help" -- "$current")) ;;
        *) COMPREPLY=($(compgen -W "add rm" -- "$current")) ;;
      esac
      ;;
  esac
}

complete -F _weir weir
