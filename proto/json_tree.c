#include "proto/json_tree.h"

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/list.h"
#include "proto/codec_error.h"
#include "proto/json_number.h"
#include "proto/json_string.h"
#include "proto/json_text.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (8ull * CODEC_BLOCK_MAX)

struct json_tree {
	struct list link;         /* in the members of what it is in */
	struct list members;      /* OBJECT, ARRAY: in order */
	struct json_tree *by_key; /* OBJECT: its members once more; uthash */
	UT_hash_handle hash;
	enum json_tree_kind kind;
	bool is_spoilt;
	char *key;  /* of a member of an object */
	char *text; /* STRING: what it means. LITERAL: as in JSON */
};

/* ---- making */

static struct json_tree *new_tree(enum json_tree_kind kind)
{
	struct json_tree *tree = calloc(1, sizeof(*tree));

	if (!tree)
		return NULL;
	tree->kind = kind;
	list_init(&tree->link);
	list_init(&tree->members);
	return tree;
}

static struct json_tree *new_text(enum json_tree_kind kind, const char *text, size_t size)
{
	struct json_tree *tree = new_tree(kind);

	if (!tree)
		return NULL;
	tree->text = strndup(text, size);
	if (tree->text)
		return tree;
	free(tree);
	return NULL;
}

struct json_tree *json_tree_object(void)
{
	return new_tree(JSON_TREE_OBJECT);
}

struct json_tree *json_tree_array(void)
{
	return new_tree(JSON_TREE_ARRAY);
}

struct json_tree *json_tree_string(const char *text)
{
	return text ? new_text(JSON_TREE_STRING, text, strlen(text)) : NULL;
}

static struct json_tree *new_literal(const char *text)
{
	return new_text(JSON_TREE_LITERAL, text, strlen(text));
}

struct json_tree *json_tree_int(int64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return new_literal(text);
}

struct json_tree *json_tree_float(double value)
{
	char text[JSON_NUMBER_TEXT];

	json_number_print(value, text);
	return new_literal(text);
}

struct json_tree *json_tree_bool(bool value)
{
	return new_literal(value ? "true" : "false");
}

struct json_tree *json_tree_null(void)
{
	return new_literal("null");
}

void json_tree_free(struct json_tree *tree)
{
	if (!tree)
		return;
	HASH_CLEAR(hash, tree->by_key);
	list_foreach_safe (at, &tree->members)
		json_tree_free(container_of(at, struct json_tree, link));
	free(tree->key);
	free(tree->text);
	free(tree);
}

/* ---- putting together */

static void take_out(struct json_tree *object, struct json_tree *member)
{
	HASH_DELETE(hash, object->by_key, member);
	list_remove(&member->link);
	json_tree_free(member);
}

static bool put_in(struct json_tree *object, const char *key, struct json_tree *value)
{
	value->key = strdup(key);
	if (!value->key)
		return false;
	HASH_ADD_KEYPTR(hash, object->by_key, value->key, strlen(value->key), value);
	if (!value->hash.tbl)
		return false;
	list_append(&object->members, &value->link);
	return true;
}

void json_tree_set(struct json_tree *object, const char *key, struct json_tree *value)
{
	if (object)
		json_tree_remove(object, key);
	if (object && value && put_in(object, key, value))
		return;
	if (object)
		object->is_spoilt = true;
	json_tree_free(value);
}

void json_tree_set_text(struct json_tree *object, const char *key, const char *text)
{
	if (text)
		json_tree_set(object, key, json_tree_string(text));
}

void json_tree_append(struct json_tree *array, struct json_tree *value)
{
	if (array && value)
		list_append(&array->members, &value->link);
	else if (array)
		array->is_spoilt = true;
	else
		json_tree_free(value);
}

void json_tree_extend(struct json_tree *array, struct json_tree *from)
{
	if (array && (!from || from->is_spoilt))
		array->is_spoilt = true;
	if (!array || !from)
		return;
	list_foreach_safe (at, &from->members) {
		list_remove(at);
		list_append(&array->members, at);
	}
}

void json_tree_remove(struct json_tree *object, const char *key)
{
	struct json_tree *member = json_tree_find(object, key);

	if (member)
		take_out(object, member);
}

/* ---- taking apart */

bool json_tree_is(const struct json_tree *tree, enum json_tree_kind kind)
{
	return tree && tree->kind == kind;
}

bool json_tree_is_literal(const struct json_tree *tree, const char *literal)
{
	return json_tree_is(tree, JSON_TREE_LITERAL) && strcmp(tree->text, literal) == 0;
}

const char *json_tree_text(const struct json_tree *tree)
{
	return json_tree_is(tree, JSON_TREE_STRING) ? tree->text : NULL;
}

int64_t json_tree_integer(const struct json_tree *tree)
{
	bool is_number = json_tree_is(tree, JSON_TREE_LITERAL) &&
			 (*tree->text == '-' || (*tree->text >= '0' && *tree->text <= '9'));
	struct json_span span = {is_number ? tree->text : "0", 0};
	int64_t value;

	span.size = strlen(span.at);
	return json_number_to_int(span, &value) == 0 ? value : 0;
}

struct json_tree *json_tree_find(const struct json_tree *object, const char *key)
{
	struct json_tree *member = NULL;

	if (json_tree_is(object, JSON_TREE_OBJECT))
		HASH_FIND(hash, object->by_key, key, strlen(key), member);
	return member;
}

struct json_tree *json_tree_first(const struct json_tree *tree)
{
	return tree && !list_is_empty(&tree->members)
		       ? list_first(&tree->members, struct json_tree, link)
		       : NULL;
}

struct json_tree *json_tree_next(const struct json_tree *tree, const struct json_tree *member)
{
	return member->link.next == &tree->members
		       ? NULL
		       : container_of(member->link.next, struct json_tree, link);
}

const char *json_tree_key(const struct json_tree *member)
{
	return member->key;
}

/* ---- from text */

static int parse_value(struct json_reader *reader, struct json_tree **ret_tree);

/* What a string means; given. */
static int unquote(struct json_reader *reader, struct json_span span, char **ret_text)
{
	cleanup_free char *text = malloc(span.size);

	if (!text)
		return -ENOMEM;
	if (json_unquote(span, text, span.size) < 0)
		return codec_error_set(reader->error, -EINVAL, "a string with U+0000 in it");
	*ret_text = take_pointer(&text);
	return 0;
}

static int parse_string(struct json_reader *reader, struct json_tree **ret_tree)
{
	cleanup_free char *text = NULL;
	struct json_span span;
	int r = json_read_string(reader, &span);

	if (r == 0)
		r = unquote(reader, span, &text);
	if (r < 0)
		return r;
	*ret_tree = json_tree_string(text);
	return *ret_tree ? 0 : -ENOMEM;
}

static int parse_literal(struct json_reader *reader, struct json_tree **ret_tree)
{
	struct json_span span;
	int r = json_read_value(reader, &span);

	if (r < 0)
		return r;
	*ret_tree = new_text(JSON_TREE_LITERAL, span.at, span.size);
	return *ret_tree ? 0 : -ENOMEM;
}

static int parse_key(struct json_reader *reader, const struct json_tree *object, char **ret_key)
{
	struct json_span span;
	int r = json_read_key(reader, &span);

	if (r == 0)
		r = unquote(reader, span, ret_key);
	if (r == 0 && json_tree_find(object, *ret_key))
		return codec_error_set(reader->error, -EINVAL, "the key \"%.60s\" twice",
				       *ret_key);
	return r;
}

static int parse_member(struct json_reader *reader, struct json_tree *tree)
{
	cleanup_free char *key = NULL;
	struct json_tree *value = NULL;
	int r = tree->kind == JSON_TREE_OBJECT ? parse_key(reader, tree, &key) : 0;

	if (r == 0)
		r = parse_value(reader, &value);
	if (r < 0)
		return r;
	if (key)
		json_tree_set(tree, key, value);
	else
		json_tree_append(tree, value);
	return tree->is_spoilt ? -ENOMEM : 0;
}

/* An object or an array. Its depth is the reader's to limit. */
static int parse_members(struct json_reader *reader, char open, struct json_tree **ret_tree)
{
	struct json_tree *tree = new_tree(open == '{' ? JSON_TREE_OBJECT : JSON_TREE_ARRAY);
	int r;

	if (!tree)
		return -ENOMEM;
	for (r = json_read_open(reader, open); r > 0; r = json_read_next(reader, open)) {
		r = parse_member(reader, tree);
		if (r < 0)
			break;
	}
	if (r < 0)
		json_tree_free(tree);
	else
		*ret_tree = tree;
	return r;
}

static int parse_value(struct json_reader *reader, struct json_tree **ret_tree)
{
	char first = json_peek(reader);

	if (first == '{' || first == '[')
		return parse_members(reader, first, ret_tree);
	return first == '"' ? parse_string(reader, ret_tree) : parse_literal(reader, ret_tree);
}

int json_tree_parse(const char *text, size_t size, struct json_tree **ret_tree,
		    struct codec_error *ret_error)
{
	struct json_reader reader;
	/* Values are counted before any memory is spent. */
	int r = json_scan(text, size, ret_error);

	if (r < 0)
		return r;
	json_reader_init(&reader, text, size, JSON_DEPTH_MAX, ret_error);
	return parse_value(&reader, ret_tree);
}

/* ---- to text */

struct tree_printer {
	struct buffer text;
	unsigned indent; /* 0: on one line */
};

static int print_value(struct tree_printer *printer, const struct json_tree *tree,
		       unsigned depth);

static int put(struct tree_printer *printer, const char *text)
{
	return buffer_append(&printer->text, text, strlen(text));
}

static int break_line(struct tree_printer *printer, unsigned depth)
{
	if (printer->indent == 0)
		return 0;
	return buffer_printf(&printer->text, "\n%*s", (int)(depth * printer->indent), "");
}

static int print_member(struct tree_printer *printer, const struct json_tree *member,
			unsigned depth)
{
	int r = break_line(printer, depth);

	if (r == 0 && member->key)
		r = json_print_string(&printer->text, member->key);
	if (r == 0 && member->key)
		r = put(printer, printer->indent ? ": " : ":");
	return r < 0 ? r : print_value(printer, member, depth);
}

static int print_members(struct tree_printer *printer, const struct json_tree *tree,
			 unsigned depth)
{
	bool is_object = tree->kind == JSON_TREE_OBJECT;
	int r = put(printer, is_object ? "{" : "[");

	json_tree_foreach(member, tree)
	{
		if (r == 0 && member != json_tree_first(tree))
			r = put(printer, ",");
		if (r == 0)
			r = print_member(printer, member, depth + 1);
	}
	if (r == 0 && json_tree_first(tree))
		r = break_line(printer, depth);
	return r < 0 ? r : put(printer, is_object ? "}" : "]");
}

static int print_value(struct tree_printer *printer, const struct json_tree *tree,
		       unsigned depth)
{
	if (tree->is_spoilt)
		return -ENOMEM;
	switch (tree->kind) {
	case JSON_TREE_OBJECT:
	case JSON_TREE_ARRAY:
		return print_members(printer, tree, depth);
	case JSON_TREE_STRING:
		return json_print_string(&printer->text, tree->text);
	case JSON_TREE_LITERAL:
		break;
	}
	return put(printer, tree->text);
}

int json_tree_print(const struct json_tree *tree, unsigned indent, char **ret_text,
		    size_t *ret_size)
{
	struct tree_printer printer = {.indent = indent};
	int r;

	if (!tree)
		return -ENOMEM;
	buffer_init(&printer.text, TEXT_MAX);
	r = print_value(&printer, tree, 0);
	if (r == 0)
		r = buffer_append(&printer.text, "", 1);
	if (r < 0) {
		buffer_fini(&printer.text);
		return r == -ENOBUFS ? -EMSGSIZE : r;
	}
	*ret_size = buffer_size(&printer.text) - 1;
	/* Nothing was eaten from the front, so the buffer's memory is the text. */
	*ret_text = (char *)printer.text.memory;
	return 0;
}
