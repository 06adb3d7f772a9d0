# The commands of a board that concern its system, beside the agent: sourced by bin/wafer-agent, which has
# `data`, `package`, `say`, `as_owner` and `board_command`.

UNIT=wafer-agent.service
DROP_IN=/etc/systemd/system/$UNIT.d/devices.conf

# Whether systemd runs here, and runs the agent on this folder.
has_unit() {
  [ -d /run/systemd/system ] && [ "$data" = /var/lib/wafer-agent ] && systemctl cat "$UNIT" >/dev/null 2>&1
}

must_be_root() {
  if [ "$(id -u)" != 0 ]; then
    say "$1 needs root: sudo wafer-agent $1"
    exit 1
  fi
}

enrol_command() {
  if has_unit; then must_be_root enrol; fi
  board_command "$@"
  if has_unit; then
    systemctl enable --now "$UNIT"
    say 'enrolled, enabled and started; next: wafer-agent status'
  else
    say "enrolled; start it with: wafer-agent run --data $data"
  fi
}

unenrol_command() {
  if has_unit; then
    must_be_root unenrol
    systemctl disable --now "$UNIT"
  fi
  board_command "$@"
}

logs_command() {
  shift
  if ! has_unit; then
    say 'no systemd runs the agent here: it writes its log to standard error, and whoever started it has it'
    say '(docker logs, podman logs, or the file that it was sent to)'
    exit 1
  fi
  if [ $# = 0 ]; then set -- -n 200; fi
  exec journalctl -u "$UNIT" -o cat "$@"
}

# The unit lets the agent at no device but those that stand here; which guest gets which is up to its grants.
devices_command() {
  shift
  action=${1:-list}
  [ $# = 0 ] || shift
  case $action in
    list)
      if [ -e "$DROP_IN" ]; then sed -n 's/^DeviceAllow=\([^ ]*\).*/\1/p' "$DROP_IN"; fi
      ;;
    allow)
      must_be_root devices
      for device; do
        case $device in
          /dev/*..*|*[!A-Za-z0-9/._:+-]*) say "$device is no device"; exit 2 ;;
          /dev/*) ;;
          *) say "$device is no device: it must begin with /dev/"; exit 2 ;;
        esac
        if [ ! -c "$device" ]; then say "$device is not there, or is no character device"; exit 1; fi
      done
      write_devices "$({ devices_command devices list; printf '%s\n' "$@"; } | sort -u)"
      ;;
    deny)
      must_be_root devices
      kept=$(devices_command devices list)
      for device; do kept=$(printf '%s\n' "$kept" | grep -v -x -F -- "$device" || :); done
      write_devices "$kept"
      ;;
    *)
      say 'usage: wafer-agent devices [list] | allow DEVICE... | deny DEVICE...'
      exit 2
      ;;
  esac
}

write_devices() {
  mkdir -p "$(dirname "$DROP_IN")"
  {
    echo '# Written by `wafer-agent devices`.'
    echo '[Service]'
    for device in $1; do
      echo "DeviceAllow=$device rw"
      group=$(stat -L -c %G -- "$device" 2>/dev/null || echo root)
      # Who may open it is said by its group: gpio, i2c, dialout.
      case $group in root | UNKNOWN) ;; *) echo "SupplementaryGroups=$group" ;; esac
    done
  } >"$DROP_IN.new"
  mv "$DROP_IN.new" "$DROP_IN"
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl try-restart "$UNIT"
  fi
}
