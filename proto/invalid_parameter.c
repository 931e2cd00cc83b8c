#include "proto/invalid_parameter.h"

#include "base/buffer.h"
#include "base/limits.h"
#include "proto/json_string.h"
#include <string.h>

char *invalid_parameter_print(const char *field, const char *reason)
{
	struct buffer text;
	char *result = NULL;
	int r;

	buffer_init(&text, LIMIT_FRAME);
	r = buffer_printf(&text, "{\"parameter\":");
	if (r == 0)
		r = json_print_string(&text, field);
	if (r == 0 && reason && *reason)
		r = buffer_printf(&text, ",\"reason\":");
	if (r == 0 && reason && *reason)
		r = json_print_string(&text, reason);
	if (r == 0)
		r = buffer_printf(&text, "}");
	if (r == 0)
		result = strndup((const char *)buffer_data(&text), buffer_size(&text));
	buffer_fini(&text);
	return result;
}
