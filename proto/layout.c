#include "proto/layout.h"

#include "proto/abi.h"
#include "proto/idl_names.h"
#include "proto/layout_text.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* bounds NULL: the type is trusted. */
struct printer {
	struct layout_text text;
	const struct bounds *bounds;
};

static int print_type(struct printer *printer, const struct troupe_type *type);

/* Whether what a type points to may be read. */
static bool is_whole(const struct printer *printer, const struct troupe_type *type)
{
	const struct bounds *bounds = printer->bounds;
	const char *wrong;

	if (!bounds)
		return true;
	if (abi_check(ABI_TYPE, bounds, type, &wrong) < 0)
		return false;
	switch ((enum troupe_kind)type->kind) {
	case TROUPE_BOOL:
	case TROUPE_INT:
	case TROUPE_FLOAT:
	case TROUPE_STRING:
	case TROUPE_BINARY:
	case TROUPE_ADDRESS:
	case TROUPE_OBJECT:
		return type->count == 0 && !type->item;
	case TROUPE_ENUM:
		return !type->item && BOUNDS_HOLD(bounds, type->names, type->count);
	case TROUPE_STRUCT:
		return !type->item &&
		       (type->count == 0 || BOUNDS_HOLD(bounds, type->fields, type->count));
	case TROUPE_ARRAY:
	case TROUPE_MAP:
	case TROUPE_OPTIONAL:
		return type->count == 0 && type->item;
	}
	return false;
}

static int print_name(struct printer *printer, bool comma, const char *name)
{
	if (printer->bounds && (!bounds_hold_text(printer->bounds, name) ||
				!idl_is_field_name(name, strlen(name))))
		return -EINVAL;
	return layout_text_add_name(&printer->text, comma, name);
}

static int print_struct(struct printer *printer, const struct troupe_type *type)
{
	int r = layout_text_open_struct(&printer->text, type);

	if (r != 0)
		return r < 0 ? r : 0;
	for (uint32_t i = 0; i < type->count; i++) {
		r = print_name(printer, i > 0, type->fields[i].name);
		if (r < 0)
			return r;
		r = layout_text_add(&printer->text, ":");
		if (r < 0)
			return r;
		r = print_type(printer, type->fields[i].type);
		if (r < 0)
			return r;
	}
	return layout_text_close_struct(&printer->text);
}

static int print_enum(struct printer *printer, const struct troupe_type *type)
{
	int r = layout_text_add(&printer->text, "{");

	for (uint32_t i = 0; r == 0 && i < type->count; i++)
		r = print_name(printer, i > 0, type->names[i]);
	if (r < 0)
		return r;
	return layout_text_add(&printer->text, "}");
}

static int print_type(struct printer *printer, const struct troupe_type *type)
{
	int r;

	if (!is_whole(printer, type))
		return -EINVAL;
	if (type->kind == TROUPE_STRUCT)
		return print_struct(printer, type);
	if (type->kind == TROUPE_ENUM)
		return print_enum(printer, type);
	r = layout_text_open(&printer->text, (enum troupe_kind)type->kind);
	if (r < 0 || !type->item)
		return r;
	r = print_type(printer, type->item);
	if (r < 0)
		return r;
	layout_text_close(&printer->text);
	return 0;
}

int layout_print_within(const struct troupe_type *type, const struct bounds *bounds,
			char **ret_text)
{
	struct printer printer = {.bounds = bounds};
	int r = print_type(&printer, type);

	if (r < 0) {
		free(printer.text.text);
		return r;
	}
	*ret_text = printer.text.text;
	return 0;
}

int layout_print(const struct troupe_type *type, char **ret_text)
{
	return layout_print_within(type, NULL, ret_text);
}

static uint64_t add_bytes(uint64_t hash, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		hash ^= (unsigned char)bytes[i];
		hash *= 0x100000001b3ull;
	}
	return hash;
}

uint64_t layout_hash(const char *qualified_name, char mark, const char *layout)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	hash = add_bytes(hash, qualified_name, strlen(qualified_name));
	hash = add_bytes(hash, &mark, 1);
	hash = add_bytes(hash, layout, strlen(layout));
	/* FNV leaves its high bits weak for short texts; tables index by them. */
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdull;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ull;
	hash ^= hash >> 33;
	return hash ? hash : 1;
}
