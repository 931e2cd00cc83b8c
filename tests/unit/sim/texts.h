/* texts.h - how texts are written for a runtime under test: as JSON, as a worker does it. */
#ifndef TESTS_UNIT_SIM_TEXTS_H
#define TESTS_UNIT_SIM_TEXTS_H

#include "base/limits.h"
#include "proto/json.h"

static inline int texts_check(void *context, const char *text, size_t size)
{
	(void)context;
	return json_scan_struct(text, size, NULL);
}

static inline int texts_read(void *context, const struct troupe_type *type, const char *text,
			     size_t size, void **ret_block, size_t *ret_size,
			     struct codec_error *ret_error)
{
	(void)context;
	return json_decode(type, text, size, ret_block, ret_size, ret_error);
}

static inline int texts_print(void *context, const struct troupe_type *type, const void *value,
			      char **ret_text, size_t *ret_size)
{
	(void)context;
	return json_print_text(type, value, LIMIT_MESSAGE_BYTES, ret_text, ret_size);
}

#endif
