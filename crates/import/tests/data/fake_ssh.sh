#!/bin/sh
# Stands in for ssh in tests: fake_ssh.sh LOG HOST COMMAND. Hosts are a, b and c at 10.9.0.1 to 10.9.0.3. The host that stands in LOG.down
# cannot be reached.
log=$1 host=$2 command=$3
if [ "$(cat "$log.down" 2>/dev/null)" = "$host" ]; then
  echo "no route to host $host" >&2
  exit 255
fi
case $command in
  *--server*) echo "server $host" >>"$log" && exec sleep 0.2 ;;
esac
remote=$(echo "$command" | sed 's/.*--client \([^ ]*\).*/\1/')
case $host in a) local=10.9.0.1 ;; b) local=10.9.0.2 ;; *) local=10.9.0.3 ;; esac
reverse=0 both=
case $command in
  *--reverse*) reverse=1 ;;
  *--bidir*) both=', "sum_received_bidir_reverse": {"bits_per_second": 4e7}' ;;
esac
echo "begin $host $remote $command" >>"$log"
sleep 0.05
echo "{\"start\": {\"connected\": [{\"local_host\": \"$local\", \"remote_host\": \"$remote\"}], \"test_start\": {\"protocol\": \"TCP\", \"reverse\": $reverse}},
  \"end\": {\"streams\": [], \"sum_received\": {\"bits_per_second\": 5e7}$both}}"
echo "end $host $remote" >>"$log"
