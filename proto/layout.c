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
	const char *wrong;
};

static int print_type(struct printer *printer, const struct troupe_type *type);

/* Why a type cannot be read, or what it points to; NULL: it can. */
static const char *find_wrong(const struct bounds *bounds, const struct troupe_type *type)
{
	bool is_struct, is_enum, has_item;
	const char *wrong;

	if (!bounds)
		return NULL;
	if (abi_check(ABI_TYPE, bounds, type, &wrong) < 0)
		return wrong;
	is_struct = type->kind == TROUPE_STRUCT;
	is_enum = type->kind == TROUPE_ENUM;
	has_item = type->kind == TROUPE_ARRAY || type->kind == TROUPE_MAP ||
		   type->kind == TROUPE_OPTIONAL;
	if (type->kind < TROUPE_BOOL || type->kind > TROUPE_OPTIONAL)
		return "is of no known kind";
	if ((type->count > 0 && !is_struct && !is_enum) || (type->item && !has_item))
		return "has fields, names or items where it can have none";
	if (is_struct && type->count > 0 && !BOUNDS_HOLD(bounds, type->fields, type->count))
		return bounds_wrong(bounds, type->fields);
	if (is_enum && !BOUNDS_HOLD(bounds, type->names, type->count))
		return bounds_wrong(bounds, type->names);
	return has_item && !type->item ? bounds_wrong(bounds, NULL) : NULL;
}

static int refuse(struct printer *printer, const char *wrong)
{
	printer->wrong = wrong;
	return -EINVAL;
}

static int print_name(struct printer *printer, bool comma, const char *name)
{
	const struct bounds *bounds = printer->bounds;

	if (bounds && !bounds_hold_text(bounds, name))
		return refuse(printer, bounds_wrong(bounds, name));
	if (bounds && !idl_is_field_name(name, strlen(name)))
		return refuse(printer, "has a name that is none");
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
	const char *wrong = find_wrong(printer->bounds, type);
	int r;

	if (wrong)
		return refuse(printer, wrong);
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
			char **ret_text, const char **ret_wrong)
{
	struct printer printer = {.bounds = bounds};
	int r = print_type(&printer, type);

	if (r < 0) {
		free(printer.text.text);
		*ret_wrong = printer.wrong;
		return r;
	}
	*ret_text = printer.text.text;
	return 0;
}

int layout_print(const struct troupe_type *type, char **ret_text)
{
	const char *wrong;

	return layout_print_within(type, NULL, ret_text, &wrong);
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
