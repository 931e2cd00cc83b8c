#include "proto/text_call.h"

#include "proto/idl.h"
#include "proto/idl_names.h"
#include <string.h>

static const struct troupe_type string_type = {
	.table_size = sizeof(string_type), .kind = TROUPE_STRING, .align = 8, .size = 8};
static const struct troupe_type binary_type = {
	.table_size = sizeof(binary_type), .kind = TROUPE_BINARY, .align = 8, .size = 16};

static const struct troupe_field fields[] = {
	{.name = "method", .type = &string_type, .offset = offsetof(struct text_call, method)},
	{.name = "parameters",
	 .type = &binary_type,
	 .offset = offsetof(struct text_call, parameters)},
};

const struct troupe_type text_call_type = {
	.table_size = sizeof(text_call_type),
	.kind = TROUPE_STRUCT,
	.align = 8,
	.size = sizeof(struct text_call),
	.count = 2,
	.fields = fields,
};

size_t text_call_interface(const char *method)
{
	size_t size = strnlen(method, TEXT_CALL_NAME_MAX + 1), interface;
	const char *dot;

	if (size > TEXT_CALL_NAME_MAX)
		return 0;
	dot = strrchr(method, '.');
	interface = dot ? (size_t)(dot - method) : 0;
	return idl_is_interface_name(method, interface) && idl_is_member_name(method + interface + 1, size - interface - 1) ? interface : 0;
}
