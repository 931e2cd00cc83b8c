#include "proto/layout.h"

#include "proto/abi.h"
#include "proto/idl_names.h"
#include "proto/layout_text.h"
#include <errno.h>
#include <string.h>

/* bounds NULL: the type is trusted. */
struct layout_printer {
	struct layout_text text;
	const struct bounds *bounds;
	const char *wrong;
};

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

static void refuse(struct layout_printer *printer, const char *wrong)
{
	printer->wrong = wrong;
	printer->text.error = -EINVAL;
}

static void print_name(struct layout_printer *printer, size_t i, const char *name,
		       bool is_field)
{
	const struct bounds *bounds = printer->bounds;

	if (bounds && !bounds_hold_text(bounds, name))
		refuse(printer, bounds_wrong(bounds, name));
	else if (bounds && !idl_is_field_name(name, strlen(name)))
		refuse(printer, "has a name that is none");
	else
		layout_text_add_name(&printer->text, i, name, is_field);
}

static void print_type(struct layout_printer *printer, const struct troupe_type *type)
{
	struct layout_text *text = &printer->text;
	const char *wrong = find_wrong(printer->bounds, type);

	if (wrong)
		refuse(printer, wrong);
	if (wrong || !layout_text_open(text, (enum troupe_kind)type->kind, type))
		return;
	for (uint32_t i = 0; i < type->count && !text->error; i++) {
		bool is_field = type->kind == TROUPE_STRUCT;

		print_name(printer, i, is_field ? type->fields[i].name : type->names[i],
			   is_field);
		if (is_field && !text->error)
			print_type(printer, type->fields[i].type);
	}
	if (type->item)
		print_type(printer, type->item);
	layout_text_close(text, (enum troupe_kind)type->kind);
}

int layout_print_within(const struct troupe_type *type, const struct bounds *bounds,
			char **ret_text, const char **ret_wrong)
{
	struct layout_printer printer = {.bounds = bounds};

	print_type(&printer, type);
	if (printer.wrong)
		*ret_wrong = printer.wrong;
	return layout_text_finish(&printer.text, ret_text);
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
