# Completion of troupectl for bash: verbs, options, names of units, interfaces.

_troupectl_units() {
	troupectl "${where[@]}" --json list 2>/dev/null |
		sed 's/{"name":"/\n&/g' | sed -n 's/^{"name":"\([^"]*\)","state".*/\1/p'
}

_troupectl_interfaces() {
	troupectl "${where[@]}" introspect 2>/dev/null
}

# The interfaces that a unit provides.
_troupectl_interfaces_of() {
	troupectl "${where[@]}" --json show "$1" 2>/dev/null |
		sed -n 's/.*"interfaces":\[\([^]]*\)\].*/\1/p' | tr -d '"' | tr ',' '\n'
}

# The methods of interfaces, each behind the first word; @ stands for its interface and a dot.
_troupectl_methods() {
	local interface prefix=$1
	shift
	for interface; do
		troupectl "${where[@]}" introspect "$interface" 2>/dev/null |
			sed -n "s/^method \([A-Za-z0-9]*\).*/$prefix\1/p" | sed "s/^@/$interface./"
	done
}

# What a target may be followed by: the methods of its interfaces, qualified where a dot has been typed. INTERFACE.METHOD is
# a target by itself.
_troupectl_methods_of() {
	[[ $1 == *.[A-Z]* ]] && return
	if [[ $2 == *.* ]]; then
		_troupectl_methods @ $(_troupectl_interfaces_of "$1")
	else
		_troupectl_methods '' $(_troupectl_interfaces_of "$1")
	fi
}

# The parameters of a call: of NAME METHOD, of NAME INTERFACE.METHOD, or of INTERFACE.METHOD.
_troupectl_parameters_of() {
	case $1:$2 in
	*.[A-Z]*:*) _troupectl_parameters "${1##*.}" "${1%.*}" ;;
	*:*.*) _troupectl_parameters "${2##*.}" "${2%.*}" ;;
	*) _troupectl_parameters "$2" $(_troupectl_interfaces_of "$1") ;;
	esac
}

_troupectl_workers() {
	troupectl "${where[@]}" --json workers 2>/dev/null | grep -o '"worker":[0-9]*' | cut -d: -f2
}

# The parameters of a method of one of the interfaces, as NAME=.
_troupectl_parameters() {
	local interface method=$1
	shift
	for interface; do
		troupectl "${where[@]}" introspect "$interface" 2>/dev/null |
			sed 's/#.*//' | tr '\n' ' ' |
			sed -n "s/.*method $method(\(.*\)/\1/; T; s/) *->.*//; :inner s/([^()]*)//g; t inner; p" |
			grep -o '[A-Za-z][A-Za-z0-9_]* *:' | sed 's/ *:$/=/'
	done
}

_troupectl() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local verbs='status list show tree workers actors tasks blocked call run send map spawn stop start restart kill reload watch
		introspect inspect shutdown'
	local options='--socket --instance --json --timeout --help --version'
	local verb='' name='' method='' at=0 i
	local -a where=()

	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--socket | --instance)
			where+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
			((i++))
			;;
		--timeout | --input | --connections | --window | --retry | --type | --instances | --worker | \
			--config | --mailbox | --mailbox-bytes | --batch | --on-error)
			((i++))
			;;
		-*) ;;
		*)
			case $verb:$at in
			:*) verb=${COMP_WORDS[i]} at=-1 ;;
			*:0) name=${COMP_WORDS[i]} ;;
			*:1) method=${COMP_WORDS[i]} ;;
			esac
			((++at))
			;;
		esac
	done
	case $before in
	--socket | --input)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--on-error)
		mapfile -t COMPREPLY < <(compgen -W 'continue stop' -- "$word")
		return
		;;
	--worker)
		mapfile -t COMPREPLY < <(compgen -W 'any own' -- "$word")
		return
		;;
	--instance | --timeout | --connections | --window | --retry | --type | --instances | --config | --mailbox | \
		--mailbox-bytes | --batch)
		return
		;;
	esac
	case $verb in
	call | run) options+=' --more' ;;
	map) options+=' --input --connections --window --unordered --retry --no-progress' ;;
	spawn) options+=' --type --instances --worker --config --mailbox --mailbox-bytes --batch --on-error' ;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
		return
	fi
	case $verb:$at in
	:*) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$word") ;;
	show:* | tasks:0 | stop:* | start:* | restart:* | kill:*) mapfile -t COMPREPLY < <(compgen -W "$(_troupectl_units)" -- "$word") ;;
	call:0 | send:0 | map:0)
		mapfile -t COMPREPLY < <(compgen -W "$(_troupectl_units) \
			$(_troupectl_methods @ $(_troupectl_interfaces))" -- "$word")
		;;
	run:*)
		# Units; what may follow them is known when they run.
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -X '!*.so' -- "$word"; compgen -f -X '!*.actor' -- "$word"; compgen -d -- "$word")
		;;
	map:1) mapfile -t COMPREPLY < <(compgen -W "$(_troupectl_methods_of "$name" "$word")" -- "$word") ;;
	call:* | send:*)
		# bash takes "=" for a word of its own.
		[ "$word" = = ] || [ "$before" = = ] && return
		if ((at == 1)) && [[ $name != *.[A-Z]* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$(_troupectl_methods_of "$name" "$word")" -- "$word")
			return
		fi
		compopt -o nospace
		mapfile -t COMPREPLY < <(compgen -W "$(_troupectl_parameters_of "$name" "$method")" -- "$word")
		;;
	actors:0) mapfile -t COMPREPLY < <(compgen -W "$(_troupectl_workers)" -- "$word") ;;
	introspect:0) mapfile -t COMPREPLY < <(compgen -W "$(_troupectl_interfaces)" -- "$word") ;;
	inspect:* | spawn:1)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	esac
}

complete -F _troupectl troupectl
