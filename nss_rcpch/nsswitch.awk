# Adds the service `rcpch` to the passwd, group and initgroups lines of nsswitch.conf, behind
# whichever of `files`, `compat` and `systemd` comes last, with its actions; or, with
# -v action=remove, takes it out again. One blank and the word go in, the same go out, so that
# removing restores every byte.
function split_comment() {
    comment = ""
    if (match($0, /[ \t]*#.*/)) {
        comment = substr($0, RSTART)
        $0 = substr($0, 1, RSTART - 1)
    }
}
function place_behind(service) {
    if (match($0, "[ \t:]" service "([ \t]*\\[[^]]*\\])*") &&
        substr($0, RSTART + RLENGTH, 1) ~ /^[ \t]?$/)
        return RSTART + RLENGTH
    return 0
}
function add() {
    if ($0 ~ /[ \t:]rcpch([ \t]|$)/)
        return
    at = place_behind("files")
    if (place_behind("compat") > at)
        at = place_behind("compat")
    if (place_behind("systemd") > at)
        at = place_behind("systemd")
    if (at)
        $0 = substr($0, 1, at - 1) " rcpch" substr($0, at)
}
function remove() {
    while (match($0, /[ \t]rcpch([ \t]|$)/))
        $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + 6)
}
/^[ \t]*(passwd|group|initgroups)[ \t]*:/ {
    split_comment()
    if (action == "remove")
        remove()
    else
        add()
    print $0 comment
    next
}
{ print }
