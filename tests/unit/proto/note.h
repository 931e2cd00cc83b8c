/* note.h - notices that the tests of channels send: one with a number and a text, one with
 * nothing. */
#ifndef TESTS_UNIT_PROTO_NOTE_H
#define TESTS_UNIT_PROTO_NOTE_H

#include <stddef.h>
#include <stdint.h>
#include <troupe/actor.h>

struct note {
	int64_t number;
	const char *text;
};

static const struct troupe_type int_type = {
	.kind = TROUPE_INT, .flags = TROUPE_TYPE_PLAIN, .align = 8, .size = 8};
static const struct troupe_type string_type = {.kind = TROUPE_STRING, .align = 8, .size = 8};
static const struct troupe_field note_fields[] = {
	{"number", &int_type, offsetof(struct note, number), 0},
	{"text", &string_type, offsetof(struct note, text), 0},
};
static const struct troupe_type note_type = {.kind = TROUPE_STRUCT,
					     .align = 8,
					     .size = sizeof(struct note),
					     .count = 2,
					     .fields = note_fields};
static const struct troupe_type nothing_type = {
	.kind = TROUPE_STRUCT, .flags = TROUPE_TYPE_PLAIN, .align = 1, .size = 0};
static const struct troupe_method note_method = {.interface = "test",
						 .name = "Note",
						 .in = &note_type,
						 .out = &nothing_type,
						 .in_hash = 11,
						 .out_hash = 12};
static const struct troupe_method ping_method = {.interface = "test",
						 .name = "Ping",
						 .in = &nothing_type,
						 .out = &nothing_type,
						 .in_hash = 21,
						 .out_hash = 22};

#endif
