#include "proto/sdk_symbols.h"

#include <stddef.h>
#include <string.h>

static const char *const symbols[] = {
	"troupe_address",
	"troupe_address_parse",
	"troupe_address_print",
	"troupe_call",
	"troupe_call_drop",
	"troupe_call_keep",
	"troupe_call_wants_more",
	"troupe_call_wants_reply",
	"troupe_cancel",
	"troupe_exit",
	"troupe_fail",
	"troupe_fail_expected_more",
	"troupe_fail_not_implemented",
	"troupe_fail_parameter",
	"troupe_fail_permission_denied",
	"troupe_find",
	"troupe_forward",
	"troupe_instance",
	"troupe_keep",
	"troupe_kept_in",
	"troupe_log",
	"troupe_name",
	"troupe_now_ns",
	"troupe_random",
	"troupe_release",
	"troupe_reply",
	"troupe_return",
	"troupe_send",
	"troupe_sender",
	"troupe_spawn",
	"troupe_state_directory",
	"troupe_stop",
	"troupe_timer_start",
	"troupe_timer_stop",
};

const char *sdk_symbol(unsigned i)
{
	return i < sizeof(symbols) / sizeof(symbols[0]) ? symbols[i] : NULL;
}

bool sdk_has_symbol(const char *name)
{
	for (unsigned i = 0; sdk_symbol(i); i++)
		if (strcmp(name, sdk_symbol(i)) == 0)
			return true;
	return false;
}
