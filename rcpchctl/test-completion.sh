#!/bin/bash
# The completion offers every verb and every option of the program's own help, and nothing else.
set -eu
program=$1
source "$(dirname "$0")/rcpchctl.bash"
rcpchctl() { printf 'USER   UID\nalice  1\nbob  2\n'; }

# offers WORDS… : what is offered behind them for an empty word, sorted
offers()
{
    COMP_WORDS=(rcpchctl "$@")
    COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
    _rcpchctl
    printf '%s\n' "${COMPREPLY[@]}" | sort
}

same()
{
    [ "$1" = "$2" ] || { echo "completion offers: $1"; echo "the help names:    $2"; exit 1; }
}

help=$("$program" --help | sed -n '/^Verbs:/,/^$/p' | sed -n 's/^  //p')
same "$(offers '')" "$(awk '{ print $1 }' <<<"$help" | sort -u)"
for object in user group session access provider identity totp token; do
    same "$(offers $object '')" "$(awk -v o=$object '$1 == o { print $2 }' <<<"$help" | sort -u)"
done

while read -r first second _; do
    case $first in
        user|group|session|access|provider|identity|totp|token) verb=("$first" "$second") ;;
        *) verb=("$first") ;;
    esac
    own=$("$program" "${verb[@]}" --help | grep -o -- '--[a-z-]*' | sort -u)
    same "$(offers "${verb[@]}" --)" "$own"
    # What a wrong call of it points to is this help.
    same "$("$program" "${verb[@]}" a b 2>&1 | sed 's/.*See: //')" "rcpchctl ${verb[*]} --help"
done <<<"$help"

same "$(offers access explain '' | tr '\n' ' ')" "alice bob "
(cd /usr; same "$(offers identity import li)" "$(compgen -f li | sort)")
(cd /usr; same "$(offers totp import li)" "$(compgen -f li | sort)")
same "$(offers user show '' | tr '\n' ' ')" "alice bob "
same "$(offers provider test '' | tr '\n' ' ')" "alice bob "
same "$(offers log --user a | tr '\n' ' ')" "alice "
