#!/bin/bash
# A content that is nowhere in the hierarchy comes from the CDN, or from the file store, once for all [REQ-SRC-2] [REQ-SRC-3] [REQ-SRC-5].
. "$(dirname "$0")/common.sh"
command -v nginx >/dev/null || exit 99
world 200mbit
start_server
mkdir "$work/cdn" "$work/share"
lab_host central cdn 10.0.0.3 1gbit
cat >"$work/nginx.conf" <<EOF
user root; daemon off; worker_processes 1; pid $work/nginx.pid; error_log $work/nginx.log;
events {}
http { access_log $work/cdn-access.txt; client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work; uwsgi_temp_path $work; scgi_temp_path $work;
       server { listen 10.0.0.3:80; root $work/cdn; } }
EOF
ip netns exec cdn nginx -c "$work/nginx.conf" 2>>"$work/nginx.log" &
processes="$processes $!"
for host in c1:central:10.0.0.11 c2:central:10.0.0.12 b1:boston:10.1.0.11 b2:boston:10.1.0.12; do
    IFS=: read -r name office address <<<"$host"
    start_client "$name" "$office" "$address" --cdn http://10.0.0.3 --file-store "$work/share"
done
wait_active c1 c2 b1 b2
size=$((6 * 1048576 + 77))
for place in cdn share; do
    for tree in with without; do
        id=$place-$tree
        random_file "$work/$place/$id" $size
        tree_option=""
        [ $tree = with ] && tree_option="--tree-out $work/$place/$id.tree"
        admin content publish "$work/$place/$id" --id $id $tree_option >/dev/null || fail "publish $id"
        for name in c1 c2 b1 b2; do start_get $name $id; done
        wait_gets 60
        for name in c1 c2 b1 b2; do complete $name "$work/$place/$id"; done
        kind=cdn
        [ $place = share ] && kind=file_store
        read_bytes=0
        for name in c1 c2 b1 b2; do bytes=$(field "$(last $name)" $kind); read_bytes=$((read_bytes + ${bytes:-0})); done
        check "$id was read once ($read_bytes bytes)" test "$read_bytes" -le $((size + size / 10))
    done
done
# A plain hash, from another system.
random_file "$work/cdn/plain" $size
hash=$(sha256sum <"$work/cdn/plain" | cut -d' ' -f1)
admin content publish --id plain --size $size --hash "sha256:$hash" >/dev/null || fail "publish plain"
for name in c1 b1; do start_get $name plain; done
wait_gets 60
for name in c1 b1; do complete $name "$work/cdn/plain"; done
end_test
