/* io.troupe.test.veteran in C: made by troupe-gen, do not edit. */
#ifndef TROUPE_IO_TROUPE_TEST_VETERAN_VARLINK_H
#define TROUPE_IO_TROUPE_TEST_VETERAN_VARLINK_H

/* A plug-in of its time, kept with the SDK it was built with. It calls every function of that SDK, has every kind of table, and
 * is to run on each later host of the same major version. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/actor.h>

#if TROUPE_ABI_MAJOR != 2 || TROUPE_ABI_MINOR < 0
#error "made by troupe-gen of ABI 2.0, for another SDK: make it anew"
#endif

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

enum veteran_mood {
	VETERAN_MOOD_CALM = 0,
	VETERAN_MOOD_CROSS
};
TROUPE_STATIC_ASSERT(sizeof(enum veteran_mood) == 4, "enums of 4 bytes");

struct veteran_item;
struct veteran_int_map_entry;

/* How it was configured. */
struct veteran_config {
	/* What an apprentice says first. */
	const char *greeting;
	const int64_t *limit;
	enum veteran_mood mood;
};

struct veteran_string_array {
	const char *const *items;
	size_t count;
};

struct veteran_int_map {
	const struct veteran_int_map_entry *items; /* sorted by key */
	size_t count;
};

struct veteran_item {
	const char *name;
	int64_t number;
	double ratio;
	bool on;
	enum veteran_mood mood;
	/* troupe: address */
	const struct troupe_address *where;
	/* troupe: binary */
	struct troupe_binary bytes;
	const char *raw;
	struct veteran_string_array tags;
	struct veteran_int_map weights;
	const struct veteran_item *inner;
};

/* The same item. */
struct veteran_echo {
	struct veteran_item item;
};

struct veteran_echo_out {
	struct veteran_item item;
};

/* Go through all the SDK has, with an apprentice; what came of each step, in order. */
struct veteran_work {
	char unused;
};

struct veteran_work_out {
	struct veteran_string_array steps;
};

/* What an apprentice is asked for: one way to answer. */
struct veteran_serve {
	const char *how;
};

struct veteran_serve_out {
	const char *what;
};

/* Numbers from 1, as a stream. */
struct veteran_count {
	int64_t most;
};

struct veteran_count_out {
	int64_t n;
};

/* It has no handler. */
struct veteran_never {
	char unused;
};

struct veteran_never_out {
	char unused;
};

/* A note that nobody waits for. */
struct veteran_note {
	const char *text;
};

struct veteran_note_out {
	char unused;
};

/* How it was configured. */
struct veteran_configured {
	char unused;
};

struct veteran_configured_out {
	struct veteran_config config;
};

/* Ends the actor. */
struct veteran_retire {
	char unused;
};

struct veteran_retire_out {
	char unused;
};

struct veteran_refused {
	const char *reason;
};

struct veteran_int_map_entry {
	const char *key;
	int64_t value;
};

/* The interface as it was written. */
#define VETERAN_IDL_ \
	"# A plug-in of its time, kept with the SDK it was built with. It calls every function of that SDK, has every kind of table, and\n" \
	"# is to run on each later host of the same major version.\n" \
	"interface io.troupe.test.veteran\n" \
	"\n" \
	"# How it was configured.\n" \
	"type Config (\n" \
	"\t# What an apprentice says first.\n" \
	"\tgreeting: string,\n" \
	"\tlimit: \?int,\n" \
	"\tmood: Mood\n" \
	")\n" \
	"\n" \
	"type Mood (calm, cross)\n" \
	"\n" \
	"type Item (\n" \
	"\tname: string,\n" \
	"\tnumber: int,\n" \
	"\tratio: float,\n" \
	"\ton: bool,\n" \
	"\tmood: Mood,\n" \
	"\t# troupe: address\n" \
	"\twhere: \?string,\n" \
	"\t# troupe: binary\n" \
	"\tbytes: string,\n" \
	"\traw: object,\n" \
	"\ttags: []string,\n" \
	"\tweights: [string]int,\n" \
	"\tinner: \?Item\n" \
	")\n" \
	"\n" \
	"# The same item.\n" \
	"method Echo(item: Item) -> (item: Item)\n" \
	"\n" \
	"# Go through all the SDK has, with an apprentice; what came of each step, in order.\n" \
	"method Work() -> (steps: []string)\n" \
	"\n" \
	"# What an apprentice is asked for: one way to answer.\n" \
	"method Serve(how: string) -> (what: string)\n" \
	"\n" \
	"# Numbers from 1, as a stream.\n" \
	"method Count(most: int) -> (n: int)\n" \
	"\n" \
	"# It has no handler.\n" \
	"method Never() -> ()\n" \
	"\n" \
	"# A note that nobody waits for.\n" \
	"method Note(text: string) -> ()\n" \
	"\n" \
	"# How it was configured.\n" \
	"method Configured() -> (config: Config)\n" \
	"\n" \
	"# Ends the actor.\n" \
	"method Retire() -> ()\n" \
	"\n" \
	"error Refused(reason: string)\n"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#if defined(__clang__) || !defined(__cplusplus)
#pragma GCC diagnostic ignored "-Woverlength-strings"
#endif
TROUPE_STATIC_ASSERT(sizeof(struct veteran_config) == 24, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_item) == 104, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_echo) == 104, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_echo_out) == 104, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_work_out) == 16, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_serve) == 8, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_serve_out) == 8, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_count) == 8, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_count_out) == 8, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_note) == 8, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_configured_out) == 24, "laid out as its steps say");
TROUPE_STATIC_ASSERT(sizeof(struct veteran_refused) == 8, "laid out as its steps say");
static const struct veteran_descriptors_ {
	struct troupe_type config_type_;
	struct troupe_step config_steps_[2];
	struct troupe_word config_words_[1];
	struct troupe_field config_fields_[3];
	struct troupe_type string_;
	struct troupe_type int_;
	struct troupe_type int_optional_type_;
	struct troupe_type mood_type_;
	const char *mood_names_[2];
	struct troupe_type item_type_;
	struct troupe_step item_steps_[7];
	struct troupe_word item_words_[1];
	uint32_t item_floats_[1];
	struct troupe_field item_fields_[11];
	struct troupe_type float_;
	struct troupe_type bool_;
	struct troupe_type address_;
	struct troupe_type address_optional_type_;
	struct troupe_type binary_;
	struct troupe_type object_;
	struct troupe_type string_array_type_;
	struct troupe_type int_map_type_;
	struct troupe_type item_optional_type_;
	struct troupe_type echo_type_;
	struct troupe_step echo_steps_[7];
	struct troupe_word echo_words_[1];
	uint32_t echo_floats_[1];
	struct troupe_field echo_fields_[1];
	struct troupe_type echo_out_type_;
	struct troupe_step echo_out_steps_[7];
	struct troupe_word echo_out_words_[1];
	uint32_t echo_out_floats_[1];
	struct troupe_field echo_out_fields_[1];
	struct troupe_type work_type_;
	struct troupe_type work_out_type_;
	struct troupe_step work_out_steps_[1];
	struct troupe_field work_out_fields_[1];
	struct troupe_type serve_type_;
	struct troupe_step serve_steps_[1];
	struct troupe_field serve_fields_[1];
	struct troupe_type serve_out_type_;
	struct troupe_step serve_out_steps_[1];
	struct troupe_field serve_out_fields_[1];
	struct troupe_type count_type_;
	struct troupe_field count_fields_[1];
	struct troupe_type count_out_type_;
	struct troupe_field count_out_fields_[1];
	struct troupe_type never_type_;
	struct troupe_type never_out_type_;
	struct troupe_type note_type_;
	struct troupe_step note_steps_[1];
	struct troupe_field note_fields_[1];
	struct troupe_type note_out_type_;
	struct troupe_type configured_type_;
	struct troupe_type configured_out_type_;
	struct troupe_step configured_out_steps_[2];
	struct troupe_word configured_out_words_[1];
	struct troupe_field configured_out_fields_[1];
	struct troupe_type retire_type_;
	struct troupe_type retire_out_type_;
	struct troupe_type refused_type_;
	struct troupe_step refused_steps_[1];
	struct troupe_field refused_fields_[1];
	struct troupe_method echo_method_;
	struct troupe_method work_method_;
	struct troupe_method serve_method_;
	struct troupe_method count_method_;
	struct troupe_method never_method_;
	struct troupe_method note_method_;
	struct troupe_method configured_method_;
	struct troupe_method retire_method_;
	struct troupe_error refused_error_;
	const struct troupe_method *methods_[8];
	const struct troupe_error *errors_[1];
	struct troupe_interface interface_;
} veteran_descriptors_ __attribute__((unused)) = {
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_config),
		sizeof(struct veteran_config), 3,
		0, 0, 0,
		veteran_descriptors_.config_fields_, NULL, NULL,
		veteran_descriptors_.config_steps_, veteran_descriptors_.config_words_, NULL, 2, 1, 0, 1},
	{
		{TROUPE_STEP_TEXT, 1, 0, NULL},
		{TROUPE_STEP_VALUE, 1, 8, &veteran_descriptors_.int_optional_type_},
	},
	{
		{0x00000000ffffffff, 0x7ffffffe, 0x80000000, 16, 0},
	},
	{
		{"greeting", &veteran_descriptors_.string_, offsetof(struct veteran_config, greeting), 0},
		{"limit", &veteran_descriptors_.int_optional_type_, offsetof(struct veteran_config, limit), 0},
		{"mood", &veteran_descriptors_.mood_type_, offsetof(struct veteran_config, mood), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRING, 0, __alignof__(const char *),
		sizeof(const char *), 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_INT, TROUPE_TYPE_PLAIN, __alignof__(int64_t),
		sizeof(int64_t), 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_OPTIONAL, 0, __alignof__(const int64_t *),
		sizeof(const int64_t *), 0,
		0, 0, 0,
		NULL, NULL, &veteran_descriptors_.int_,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_ENUM, 0, __alignof__(enum veteran_mood),
		sizeof(enum veteran_mood), 2,
		0, 0, 0,
		NULL, veteran_descriptors_.mood_names_, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{
		"calm",
		"cross",
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_item),
		sizeof(struct veteran_item), 11,
		0, 0, 0,
		veteran_descriptors_.item_fields_, NULL, NULL,
		veteran_descriptors_.item_steps_, veteran_descriptors_.item_words_, veteran_descriptors_.item_floats_, 7, 1, 1, 1},
	{
		{TROUPE_STEP_TEXT, 1, 0, NULL},
		{TROUPE_STEP_VALUE, 1, 32, &veteran_descriptors_.address_optional_type_},
		{TROUPE_STEP_VALUE, 1, 40, &veteran_descriptors_.binary_},
		{TROUPE_STEP_VALUE, 1, 56, &veteran_descriptors_.object_},
		{TROUPE_STEP_VALUE, 1, 64, &veteran_descriptors_.string_array_type_},
		{TROUPE_STEP_VALUE, 1, 80, &veteran_descriptors_.int_map_type_},
		{TROUPE_STEP_VALUE, 1, 96, &veteran_descriptors_.item_optional_type_},
	},
	{
		{0xffffffff000000ff, 0x7ffffffe0000007e, 0x8000000000000080, 24, 0},
	},
	{16},
	{
		{"name", &veteran_descriptors_.string_, offsetof(struct veteran_item, name), 0},
		{"number", &veteran_descriptors_.int_, offsetof(struct veteran_item, number), 0},
		{"ratio", &veteran_descriptors_.float_, offsetof(struct veteran_item, ratio), 0},
		{"on", &veteran_descriptors_.bool_, offsetof(struct veteran_item, on), 0},
		{"mood", &veteran_descriptors_.mood_type_, offsetof(struct veteran_item, mood), 0},
		{"where", &veteran_descriptors_.address_optional_type_, offsetof(struct veteran_item, where), 0},
		{"bytes", &veteran_descriptors_.binary_, offsetof(struct veteran_item, bytes), 0},
		{"raw", &veteran_descriptors_.object_, offsetof(struct veteran_item, raw), 0},
		{"tags", &veteran_descriptors_.string_array_type_, offsetof(struct veteran_item, tags), 0},
		{"weights", &veteran_descriptors_.int_map_type_, offsetof(struct veteran_item, weights), 0},
		{"inner", &veteran_descriptors_.item_optional_type_, offsetof(struct veteran_item, inner), 0},
	},
	{sizeof(struct troupe_type), TROUPE_FLOAT, 0, __alignof__(double),
		sizeof(double), 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_BOOL, 0, __alignof__(bool),
		sizeof(bool), 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_ADDRESS, TROUPE_TYPE_PLAIN, __alignof__(struct troupe_address),
		sizeof(struct troupe_address), 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_OPTIONAL, 0, __alignof__(const struct troupe_address *),
		sizeof(const struct troupe_address *), 0,
		0, 0, 0,
		NULL, NULL, &veteran_descriptors_.address_,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_BINARY, 0, __alignof__(struct troupe_binary),
		sizeof(struct troupe_binary), 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_OBJECT, 0, __alignof__(const char *),
		sizeof(const char *), 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_ARRAY, 0, __alignof__(struct veteran_string_array),
		sizeof(struct veteran_string_array), 0,
		sizeof(const char *), 0, __alignof__(const char *),
		NULL, NULL, &veteran_descriptors_.string_,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_MAP, 0, __alignof__(struct veteran_int_map),
		sizeof(struct veteran_int_map), 0,
		sizeof(struct veteran_int_map_entry), offsetof(struct veteran_int_map_entry, value), __alignof__(struct veteran_int_map_entry),
		NULL, NULL, &veteran_descriptors_.int_,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_OPTIONAL, 0, __alignof__(const struct veteran_item *),
		sizeof(const struct veteran_item *), 0,
		0, 0, 0,
		NULL, NULL, &veteran_descriptors_.item_type_,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_echo),
		sizeof(struct veteran_echo), 1,
		0, 0, 0,
		veteran_descriptors_.echo_fields_, NULL, NULL,
		veteran_descriptors_.echo_steps_, veteran_descriptors_.echo_words_, veteran_descriptors_.echo_floats_, 7, 1, 1, 2},
	{
		{TROUPE_STEP_TEXT, 1, 0, NULL},
		{TROUPE_STEP_VALUE, 2, 32, &veteran_descriptors_.address_optional_type_},
		{TROUPE_STEP_VALUE, 2, 40, &veteran_descriptors_.binary_},
		{TROUPE_STEP_VALUE, 2, 56, &veteran_descriptors_.object_},
		{TROUPE_STEP_VALUE, 2, 64, &veteran_descriptors_.string_array_type_},
		{TROUPE_STEP_VALUE, 2, 80, &veteran_descriptors_.int_map_type_},
		{TROUPE_STEP_VALUE, 2, 96, &veteran_descriptors_.item_optional_type_},
	},
	{
		{0xffffffff000000ff, 0x7ffffffe0000007e, 0x8000000000000080, 24, 0},
	},
	{16},
	{
		{"item", &veteran_descriptors_.item_type_, offsetof(struct veteran_echo, item), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_echo_out),
		sizeof(struct veteran_echo_out), 1,
		0, 0, 0,
		veteran_descriptors_.echo_out_fields_, NULL, NULL,
		veteran_descriptors_.echo_out_steps_, veteran_descriptors_.echo_out_words_, veteran_descriptors_.echo_out_floats_, 7, 1, 1, 2},
	{
		{TROUPE_STEP_TEXT, 1, 0, NULL},
		{TROUPE_STEP_VALUE, 2, 32, &veteran_descriptors_.address_optional_type_},
		{TROUPE_STEP_VALUE, 2, 40, &veteran_descriptors_.binary_},
		{TROUPE_STEP_VALUE, 2, 56, &veteran_descriptors_.object_},
		{TROUPE_STEP_VALUE, 2, 64, &veteran_descriptors_.string_array_type_},
		{TROUPE_STEP_VALUE, 2, 80, &veteran_descriptors_.int_map_type_},
		{TROUPE_STEP_VALUE, 2, 96, &veteran_descriptors_.item_optional_type_},
	},
	{
		{0xffffffff000000ff, 0x7ffffffe0000007e, 0x8000000000000080, 24, 0},
	},
	{16},
	{
		{"item", &veteran_descriptors_.item_type_, offsetof(struct veteran_echo_out, item), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS, __alignof__(struct veteran_work),
		0, 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 1},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_work_out),
		sizeof(struct veteran_work_out), 1,
		0, 0, 0,
		veteran_descriptors_.work_out_fields_, NULL, NULL,
		veteran_descriptors_.work_out_steps_, NULL, NULL, 1, 0, 0, 1},
	{
		{TROUPE_STEP_VALUE, 1, 0, &veteran_descriptors_.string_array_type_},
	},
	{
		{"steps", &veteran_descriptors_.string_array_type_, offsetof(struct veteran_work_out, steps), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_serve),
		sizeof(struct veteran_serve), 1,
		0, 0, 0,
		veteran_descriptors_.serve_fields_, NULL, NULL,
		veteran_descriptors_.serve_steps_, NULL, NULL, 1, 0, 0, 1},
	{
		{TROUPE_STEP_TEXT, 1, 0, NULL},
	},
	{
		{"how", &veteran_descriptors_.string_, offsetof(struct veteran_serve, how), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_serve_out),
		sizeof(struct veteran_serve_out), 1,
		0, 0, 0,
		veteran_descriptors_.serve_out_fields_, NULL, NULL,
		veteran_descriptors_.serve_out_steps_, NULL, NULL, 1, 0, 0, 1},
	{
		{TROUPE_STEP_TEXT, 1, 0, NULL},
	},
	{
		{"what", &veteran_descriptors_.string_, offsetof(struct veteran_serve_out, what), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_PLAIN | TROUPE_TYPE_QUICK, __alignof__(struct veteran_count),
		sizeof(struct veteran_count), 1,
		0, 0, 0,
		veteran_descriptors_.count_fields_, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{
		{"most", &veteran_descriptors_.int_, offsetof(struct veteran_count, most), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_PLAIN | TROUPE_TYPE_QUICK, __alignof__(struct veteran_count_out),
		sizeof(struct veteran_count_out), 1,
		0, 0, 0,
		veteran_descriptors_.count_out_fields_, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 0},
	{
		{"n", &veteran_descriptors_.int_, offsetof(struct veteran_count_out, n), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS, __alignof__(struct veteran_never),
		0, 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 1},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS, __alignof__(struct veteran_never_out),
		0, 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 1},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_note),
		sizeof(struct veteran_note), 1,
		0, 0, 0,
		veteran_descriptors_.note_fields_, NULL, NULL,
		veteran_descriptors_.note_steps_, NULL, NULL, 1, 0, 0, 1},
	{
		{TROUPE_STEP_TEXT, 1, 0, NULL},
	},
	{
		{"text", &veteran_descriptors_.string_, offsetof(struct veteran_note, text), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS, __alignof__(struct veteran_note_out),
		0, 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 1},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS, __alignof__(struct veteran_configured),
		0, 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 1},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_configured_out),
		sizeof(struct veteran_configured_out), 1,
		0, 0, 0,
		veteran_descriptors_.configured_out_fields_, NULL, NULL,
		veteran_descriptors_.configured_out_steps_, veteran_descriptors_.configured_out_words_, NULL, 2, 1, 0, 2},
	{
		{TROUPE_STEP_TEXT, 1, 0, NULL},
		{TROUPE_STEP_VALUE, 2, 8, &veteran_descriptors_.int_optional_type_},
	},
	{
		{0x00000000ffffffff, 0x7ffffffe, 0x80000000, 16, 0},
	},
	{
		{"config", &veteran_descriptors_.config_type_, offsetof(struct veteran_configured_out, config), 0},
	},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS, __alignof__(struct veteran_retire),
		0, 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 1},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS, __alignof__(struct veteran_retire_out),
		0, 0,
		0, 0, 0,
		NULL, NULL, NULL,
		NULL, NULL, NULL, 0, 0, 0, 1},
	{sizeof(struct troupe_type), TROUPE_STRUCT, TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK, __alignof__(struct veteran_refused),
		sizeof(struct veteran_refused), 1,
		0, 0, 0,
		veteran_descriptors_.refused_fields_, NULL, NULL,
		veteran_descriptors_.refused_steps_, NULL, NULL, 1, 0, 0, 1},
	{
		{TROUPE_STEP_TEXT, 1, 0, NULL},
	},
	{
		{"reason", &veteran_descriptors_.string_, offsetof(struct veteran_refused, reason), 0},
	},
	{sizeof(struct troupe_method), 0, "io.troupe.test.veteran", "Echo",
		&veteran_descriptors_.echo_type_, &veteran_descriptors_.echo_out_type_,
		0x9099a947ede4e206ull, 0x3ddc662fbd8f68d1ull},
	{sizeof(struct troupe_method), 0, "io.troupe.test.veteran", "Work",
		&veteran_descriptors_.work_type_, &veteran_descriptors_.work_out_type_,
		0x7b2119c8f700dd5aull, 0xb1492e7b8348253dull},
	{sizeof(struct troupe_method), 0, "io.troupe.test.veteran", "Serve",
		&veteran_descriptors_.serve_type_, &veteran_descriptors_.serve_out_type_,
		0xd40e4bd4976c6fb0ull, 0xf04acea36a0acc93ull},
	{sizeof(struct troupe_method), 0, "io.troupe.test.veteran", "Count",
		&veteran_descriptors_.count_type_, &veteran_descriptors_.count_out_type_,
		0xd7069efb98f44c79ull, 0x35d76da9092079cbull},
	{sizeof(struct troupe_method), 0, "io.troupe.test.veteran", "Never",
		&veteran_descriptors_.never_type_, &veteran_descriptors_.never_out_type_,
		0x6930bb59d19e6494ull, 0x7371a37b9918cc6cull},
	{sizeof(struct troupe_method), 0, "io.troupe.test.veteran", "Note",
		&veteran_descriptors_.note_type_, &veteran_descriptors_.note_out_type_,
		0xf4e71c27e67637faull, 0x1f8fd2591717f59full},
	{sizeof(struct troupe_method), 0, "io.troupe.test.veteran", "Configured",
		&veteran_descriptors_.configured_type_, &veteran_descriptors_.configured_out_type_,
		0xcf3cd3d98b52d7c5ull, 0xc1a16f0c786806c4ull},
	{sizeof(struct troupe_method), 0, "io.troupe.test.veteran", "Retire",
		&veteran_descriptors_.retire_type_, &veteran_descriptors_.retire_out_type_,
		0x8b01ced9942c034dull, 0xc9fc3cefc9829338ull},
	{sizeof(struct troupe_error), 0, "io.troupe.test.veteran.Refused",
		&veteran_descriptors_.refused_type_, 0x197435bd44213cd6ull},
	{
		&veteran_descriptors_.echo_method_,
		&veteran_descriptors_.work_method_,
		&veteran_descriptors_.serve_method_,
		&veteran_descriptors_.count_method_,
		&veteran_descriptors_.never_method_,
		&veteran_descriptors_.note_method_,
		&veteran_descriptors_.configured_method_,
		&veteran_descriptors_.retire_method_,
	},
	{
		&veteran_descriptors_.refused_error_,
	},
	{sizeof(struct troupe_interface), 0, 8, 1, "io.troupe.test.veteran", VETERAN_IDL_,
		veteran_descriptors_.methods_, veteran_descriptors_.errors_},
};
TROUPE_NOTE_INTERFACE(veteran, "io.troupe.test.veteran", VETERAN_IDL_)
#pragma GCC diagnostic pop

/* The descriptors' names. */
#define veteran_config_type veteran_descriptors_.config_type_
#define veteran_mood_type veteran_descriptors_.mood_type_
#define veteran_item_type veteran_descriptors_.item_type_
#define veteran_string_array_type veteran_descriptors_.string_array_type_
#define veteran_int_map_type veteran_descriptors_.int_map_type_
#define veteran_echo_type veteran_descriptors_.echo_type_
#define veteran_echo_out_type veteran_descriptors_.echo_out_type_
#define veteran_work_type veteran_descriptors_.work_type_
#define veteran_work_out_type veteran_descriptors_.work_out_type_
#define veteran_serve_type veteran_descriptors_.serve_type_
#define veteran_serve_out_type veteran_descriptors_.serve_out_type_
#define veteran_count_type veteran_descriptors_.count_type_
#define veteran_count_out_type veteran_descriptors_.count_out_type_
#define veteran_never_type veteran_descriptors_.never_type_
#define veteran_never_out_type veteran_descriptors_.never_out_type_
#define veteran_note_type veteran_descriptors_.note_type_
#define veteran_note_out_type veteran_descriptors_.note_out_type_
#define veteran_configured_type veteran_descriptors_.configured_type_
#define veteran_configured_out_type veteran_descriptors_.configured_out_type_
#define veteran_retire_type veteran_descriptors_.retire_type_
#define veteran_retire_out_type veteran_descriptors_.retire_out_type_
#define veteran_refused_type veteran_descriptors_.refused_type_
#define veteran_echo_method veteran_descriptors_.echo_method_
#define veteran_work_method veteran_descriptors_.work_method_
#define veteran_serve_method veteran_descriptors_.serve_method_
#define veteran_count_method veteran_descriptors_.count_method_
#define veteran_never_method veteran_descriptors_.never_method_
#define veteran_note_method veteran_descriptors_.note_method_
#define veteran_configured_method veteran_descriptors_.configured_method_
#define veteran_retire_method veteran_descriptors_.retire_method_
#define veteran_refused_error veteran_descriptors_.refused_error_
#define veteran_interface veteran_descriptors_.interface_

/* ---------------- Echo ---------------- */

/* A call of Echo that waits for its answer. */
struct veteran_echo_call {
	struct troupe_call call;
};

TROUPE_WARN_UNUSED
static inline int veteran_echo_send(struct troupe_self *self, struct troupe_address to,
		const struct veteran_echo *in)
{
	return troupe_send(self, to, &veteran_echo_method, in);
}

TROUPE_WARN_UNUSED
static inline int veteran_echo_ask(struct troupe_self *self, struct troupe_address to,
		const struct veteran_echo *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_echo_method, in, entry, context, timeout_ns, 0,
			ret_request);
}

TROUPE_WARN_UNUSED
static inline int veteran_echo_ask_more(struct troupe_self *self, struct troupe_address to,
		const struct veteran_echo *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_echo_method, in, entry, context, timeout_ns, TROUPE_MORE,
			ret_request);
}

static inline int veteran_echo_return(struct troupe_self *self, struct veteran_echo_call call,
		const struct veteran_echo_out *out)
{
	return troupe_return(self, call.call, &veteran_echo_method, out);
}

TROUPE_WARN_UNUSED
static inline int veteran_echo_reply(struct troupe_self *self, struct veteran_echo_call call,
		const struct veteran_echo_out *out)
{
	return troupe_reply(self, call.call, &veteran_echo_method, out);
}

static inline int veteran_echo_fail_parameter(struct troupe_self *self, struct veteran_echo_call call,
		const char *field, const char *reason)
{
	return troupe_fail_parameter(self, call.call, field, reason);
}

static inline int veteran_echo_expect_more(struct troupe_self *self, struct veteran_echo_call call)
{
	return troupe_fail_expected_more(self, call.call);
}

static inline int veteran_echo_deny(struct troupe_self *self, struct veteran_echo_call call)
{
	return troupe_fail_permission_denied(self, call.call);
}

static inline int veteran_echo_fail_refused(struct troupe_self *self, struct veteran_echo_call call,
		const struct veteran_refused *data)
{
	return troupe_fail(self, call.call, &veteran_refused_error, data);
}

TROUPE_WARN_UNUSED
static inline int veteran_echo_keep(struct troupe_self *self, struct veteran_echo_call *call)
{
	return troupe_call_keep(self, &call->call);
}

static inline int veteran_echo_drop(struct troupe_self *self, struct veteran_echo_call call)
{
	return troupe_call_drop(self, call.call);
}

static inline bool veteran_echo_wants_more(struct troupe_self *self, struct veteran_echo_call call)
{
	return troupe_call_wants_more(self, call.call);
}

static inline bool veteran_echo_wants_reply(struct troupe_self *self, struct veteran_echo_call call)
{
	return troupe_call_wants_reply(self, call.call);
}

/* How a call of Echo ended. At most one of `out` and the errors is not NULL. */
struct veteran_echo_reply {
	enum troupe_status status;
	int32_t code; /* FAILED: what the handler returned; else 0 */
	bool continues; /* more replies follow */
	const struct veteran_echo_out *out;
	const char *error_name; /* qualified; NULL when OK */
	const char *detail; /* for a log; may be NULL */
	const struct veteran_refused *refused;
};

static inline struct veteran_echo_reply veteran_echo_reply_read(const struct troupe_reply *reply)
{
	struct veteran_echo_reply typed = {reply->status, reply->code, reply->continues, NULL,
		reply->error_name, reply->detail, NULL};

	if (reply->status == TROUPE_OK)
		typed.out = (const struct veteran_echo_out *)reply->data;
	if (reply->error == &veteran_refused_error)
		typed.refused = (const struct veteran_refused *)reply->data;
	return typed;
}

/* Define FUNCTION_entry, where replies to Echo arrive:
 * static int function(struct troupe_self *self, STATE_TYPE *me, uint64_t context,
 *                     const struct veteran_echo_reply *reply); */
#define VETERAN_ECHO_REPLY(function, state_type) \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context, \
			const void *event) \
	{ \
		struct veteran_echo_reply typed = \
			veteran_echo_reply_read((const struct troupe_reply *)event); \
		return function(self, (state_type *)state, context, &typed); \
	} \
	static const struct troupe_entry function##_entry = { \
		.table_size = sizeof(struct troupe_entry), \
		.kind = TROUPE_ENTRY_REPLY, \
		.name = #function, \
		.method = &veteran_echo_method, \
		.interface = &veteran_interface, \
		.on_event = function##_thunk};

/* ---------------- Work ---------------- */

/* A call of Work that waits for its answer. */
struct veteran_work_call {
	struct troupe_call call;
};

TROUPE_WARN_UNUSED
static inline int veteran_work_send(struct troupe_self *self, struct troupe_address to,
		const struct veteran_work *in)
{
	return troupe_send(self, to, &veteran_work_method, in);
}

TROUPE_WARN_UNUSED
static inline int veteran_work_ask(struct troupe_self *self, struct troupe_address to,
		const struct veteran_work *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_work_method, in, entry, context, timeout_ns, 0,
			ret_request);
}

TROUPE_WARN_UNUSED
static inline int veteran_work_ask_more(struct troupe_self *self, struct troupe_address to,
		const struct veteran_work *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_work_method, in, entry, context, timeout_ns, TROUPE_MORE,
			ret_request);
}

static inline int veteran_work_return(struct troupe_self *self, struct veteran_work_call call,
		const struct veteran_work_out *out)
{
	return troupe_return(self, call.call, &veteran_work_method, out);
}

TROUPE_WARN_UNUSED
static inline int veteran_work_reply(struct troupe_self *self, struct veteran_work_call call,
		const struct veteran_work_out *out)
{
	return troupe_reply(self, call.call, &veteran_work_method, out);
}

static inline int veteran_work_fail_parameter(struct troupe_self *self, struct veteran_work_call call,
		const char *field, const char *reason)
{
	return troupe_fail_parameter(self, call.call, field, reason);
}

static inline int veteran_work_expect_more(struct troupe_self *self, struct veteran_work_call call)
{
	return troupe_fail_expected_more(self, call.call);
}

static inline int veteran_work_deny(struct troupe_self *self, struct veteran_work_call call)
{
	return troupe_fail_permission_denied(self, call.call);
}

static inline int veteran_work_fail_refused(struct troupe_self *self, struct veteran_work_call call,
		const struct veteran_refused *data)
{
	return troupe_fail(self, call.call, &veteran_refused_error, data);
}

TROUPE_WARN_UNUSED
static inline int veteran_work_keep(struct troupe_self *self, struct veteran_work_call *call)
{
	return troupe_call_keep(self, &call->call);
}

static inline int veteran_work_drop(struct troupe_self *self, struct veteran_work_call call)
{
	return troupe_call_drop(self, call.call);
}

static inline bool veteran_work_wants_more(struct troupe_self *self, struct veteran_work_call call)
{
	return troupe_call_wants_more(self, call.call);
}

static inline bool veteran_work_wants_reply(struct troupe_self *self, struct veteran_work_call call)
{
	return troupe_call_wants_reply(self, call.call);
}

/* How a call of Work ended. At most one of `out` and the errors is not NULL. */
struct veteran_work_reply {
	enum troupe_status status;
	int32_t code; /* FAILED: what the handler returned; else 0 */
	bool continues; /* more replies follow */
	const struct veteran_work_out *out;
	const char *error_name; /* qualified; NULL when OK */
	const char *detail; /* for a log; may be NULL */
	const struct veteran_refused *refused;
};

static inline struct veteran_work_reply veteran_work_reply_read(const struct troupe_reply *reply)
{
	struct veteran_work_reply typed = {reply->status, reply->code, reply->continues, NULL,
		reply->error_name, reply->detail, NULL};

	if (reply->status == TROUPE_OK)
		typed.out = (const struct veteran_work_out *)reply->data;
	if (reply->error == &veteran_refused_error)
		typed.refused = (const struct veteran_refused *)reply->data;
	return typed;
}

/* Define FUNCTION_entry, where replies to Work arrive:
 * static int function(struct troupe_self *self, STATE_TYPE *me, uint64_t context,
 *                     const struct veteran_work_reply *reply); */
#define VETERAN_WORK_REPLY(function, state_type) \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context, \
			const void *event) \
	{ \
		struct veteran_work_reply typed = \
			veteran_work_reply_read((const struct troupe_reply *)event); \
		return function(self, (state_type *)state, context, &typed); \
	} \
	static const struct troupe_entry function##_entry = { \
		.table_size = sizeof(struct troupe_entry), \
		.kind = TROUPE_ENTRY_REPLY, \
		.name = #function, \
		.method = &veteran_work_method, \
		.interface = &veteran_interface, \
		.on_event = function##_thunk};

/* ---------------- Serve ---------------- */

/* A call of Serve that waits for its answer. */
struct veteran_serve_call {
	struct troupe_call call;
};

TROUPE_WARN_UNUSED
static inline int veteran_serve_send(struct troupe_self *self, struct troupe_address to,
		const struct veteran_serve *in)
{
	return troupe_send(self, to, &veteran_serve_method, in);
}

TROUPE_WARN_UNUSED
static inline int veteran_serve_ask(struct troupe_self *self, struct troupe_address to,
		const struct veteran_serve *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_serve_method, in, entry, context, timeout_ns, 0,
			ret_request);
}

TROUPE_WARN_UNUSED
static inline int veteran_serve_ask_more(struct troupe_self *self, struct troupe_address to,
		const struct veteran_serve *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_serve_method, in, entry, context, timeout_ns, TROUPE_MORE,
			ret_request);
}

static inline int veteran_serve_return(struct troupe_self *self, struct veteran_serve_call call,
		const struct veteran_serve_out *out)
{
	return troupe_return(self, call.call, &veteran_serve_method, out);
}

TROUPE_WARN_UNUSED
static inline int veteran_serve_reply(struct troupe_self *self, struct veteran_serve_call call,
		const struct veteran_serve_out *out)
{
	return troupe_reply(self, call.call, &veteran_serve_method, out);
}

static inline int veteran_serve_fail_parameter(struct troupe_self *self, struct veteran_serve_call call,
		const char *field, const char *reason)
{
	return troupe_fail_parameter(self, call.call, field, reason);
}

static inline int veteran_serve_expect_more(struct troupe_self *self, struct veteran_serve_call call)
{
	return troupe_fail_expected_more(self, call.call);
}

static inline int veteran_serve_deny(struct troupe_self *self, struct veteran_serve_call call)
{
	return troupe_fail_permission_denied(self, call.call);
}

static inline int veteran_serve_fail_refused(struct troupe_self *self, struct veteran_serve_call call,
		const struct veteran_refused *data)
{
	return troupe_fail(self, call.call, &veteran_refused_error, data);
}

TROUPE_WARN_UNUSED
static inline int veteran_serve_keep(struct troupe_self *self, struct veteran_serve_call *call)
{
	return troupe_call_keep(self, &call->call);
}

static inline int veteran_serve_drop(struct troupe_self *self, struct veteran_serve_call call)
{
	return troupe_call_drop(self, call.call);
}

static inline bool veteran_serve_wants_more(struct troupe_self *self, struct veteran_serve_call call)
{
	return troupe_call_wants_more(self, call.call);
}

static inline bool veteran_serve_wants_reply(struct troupe_self *self, struct veteran_serve_call call)
{
	return troupe_call_wants_reply(self, call.call);
}

/* How a call of Serve ended. At most one of `out` and the errors is not NULL. */
struct veteran_serve_reply {
	enum troupe_status status;
	int32_t code; /* FAILED: what the handler returned; else 0 */
	bool continues; /* more replies follow */
	const struct veteran_serve_out *out;
	const char *error_name; /* qualified; NULL when OK */
	const char *detail; /* for a log; may be NULL */
	const struct veteran_refused *refused;
};

static inline struct veteran_serve_reply veteran_serve_reply_read(const struct troupe_reply *reply)
{
	struct veteran_serve_reply typed = {reply->status, reply->code, reply->continues, NULL,
		reply->error_name, reply->detail, NULL};

	if (reply->status == TROUPE_OK)
		typed.out = (const struct veteran_serve_out *)reply->data;
	if (reply->error == &veteran_refused_error)
		typed.refused = (const struct veteran_refused *)reply->data;
	return typed;
}

/* Define FUNCTION_entry, where replies to Serve arrive:
 * static int function(struct troupe_self *self, STATE_TYPE *me, uint64_t context,
 *                     const struct veteran_serve_reply *reply); */
#define VETERAN_SERVE_REPLY(function, state_type) \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context, \
			const void *event) \
	{ \
		struct veteran_serve_reply typed = \
			veteran_serve_reply_read((const struct troupe_reply *)event); \
		return function(self, (state_type *)state, context, &typed); \
	} \
	static const struct troupe_entry function##_entry = { \
		.table_size = sizeof(struct troupe_entry), \
		.kind = TROUPE_ENTRY_REPLY, \
		.name = #function, \
		.method = &veteran_serve_method, \
		.interface = &veteran_interface, \
		.on_event = function##_thunk};

/* ---------------- Count ---------------- */

/* A call of Count that waits for its answer. */
struct veteran_count_call {
	struct troupe_call call;
};

TROUPE_WARN_UNUSED
static inline int veteran_count_send(struct troupe_self *self, struct troupe_address to,
		const struct veteran_count *in)
{
	return troupe_send(self, to, &veteran_count_method, in);
}

TROUPE_WARN_UNUSED
static inline int veteran_count_ask(struct troupe_self *self, struct troupe_address to,
		const struct veteran_count *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_count_method, in, entry, context, timeout_ns, 0,
			ret_request);
}

TROUPE_WARN_UNUSED
static inline int veteran_count_ask_more(struct troupe_self *self, struct troupe_address to,
		const struct veteran_count *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_count_method, in, entry, context, timeout_ns, TROUPE_MORE,
			ret_request);
}

static inline int veteran_count_return(struct troupe_self *self, struct veteran_count_call call,
		const struct veteran_count_out *out)
{
	return troupe_return(self, call.call, &veteran_count_method, out);
}

TROUPE_WARN_UNUSED
static inline int veteran_count_reply(struct troupe_self *self, struct veteran_count_call call,
		const struct veteran_count_out *out)
{
	return troupe_reply(self, call.call, &veteran_count_method, out);
}

static inline int veteran_count_fail_parameter(struct troupe_self *self, struct veteran_count_call call,
		const char *field, const char *reason)
{
	return troupe_fail_parameter(self, call.call, field, reason);
}

static inline int veteran_count_expect_more(struct troupe_self *self, struct veteran_count_call call)
{
	return troupe_fail_expected_more(self, call.call);
}

static inline int veteran_count_deny(struct troupe_self *self, struct veteran_count_call call)
{
	return troupe_fail_permission_denied(self, call.call);
}

static inline int veteran_count_fail_refused(struct troupe_self *self, struct veteran_count_call call,
		const struct veteran_refused *data)
{
	return troupe_fail(self, call.call, &veteran_refused_error, data);
}

TROUPE_WARN_UNUSED
static inline int veteran_count_keep(struct troupe_self *self, struct veteran_count_call *call)
{
	return troupe_call_keep(self, &call->call);
}

static inline int veteran_count_drop(struct troupe_self *self, struct veteran_count_call call)
{
	return troupe_call_drop(self, call.call);
}

static inline bool veteran_count_wants_more(struct troupe_self *self, struct veteran_count_call call)
{
	return troupe_call_wants_more(self, call.call);
}

static inline bool veteran_count_wants_reply(struct troupe_self *self, struct veteran_count_call call)
{
	return troupe_call_wants_reply(self, call.call);
}

/* How a call of Count ended. At most one of `out` and the errors is not NULL. */
struct veteran_count_reply {
	enum troupe_status status;
	int32_t code; /* FAILED: what the handler returned; else 0 */
	bool continues; /* more replies follow */
	const struct veteran_count_out *out;
	const char *error_name; /* qualified; NULL when OK */
	const char *detail; /* for a log; may be NULL */
	const struct veteran_refused *refused;
};

static inline struct veteran_count_reply veteran_count_reply_read(const struct troupe_reply *reply)
{
	struct veteran_count_reply typed = {reply->status, reply->code, reply->continues, NULL,
		reply->error_name, reply->detail, NULL};

	if (reply->status == TROUPE_OK)
		typed.out = (const struct veteran_count_out *)reply->data;
	if (reply->error == &veteran_refused_error)
		typed.refused = (const struct veteran_refused *)reply->data;
	return typed;
}

/* Define FUNCTION_entry, where replies to Count arrive:
 * static int function(struct troupe_self *self, STATE_TYPE *me, uint64_t context,
 *                     const struct veteran_count_reply *reply); */
#define VETERAN_COUNT_REPLY(function, state_type) \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context, \
			const void *event) \
	{ \
		struct veteran_count_reply typed = \
			veteran_count_reply_read((const struct troupe_reply *)event); \
		return function(self, (state_type *)state, context, &typed); \
	} \
	static const struct troupe_entry function##_entry = { \
		.table_size = sizeof(struct troupe_entry), \
		.kind = TROUPE_ENTRY_REPLY, \
		.name = #function, \
		.method = &veteran_count_method, \
		.interface = &veteran_interface, \
		.on_event = function##_thunk};

/* ---------------- Never ---------------- */

/* A call of Never that waits for its answer. */
struct veteran_never_call {
	struct troupe_call call;
};

TROUPE_WARN_UNUSED
static inline int veteran_never_send(struct troupe_self *self, struct troupe_address to,
		const struct veteran_never *in)
{
	return troupe_send(self, to, &veteran_never_method, in);
}

TROUPE_WARN_UNUSED
static inline int veteran_never_ask(struct troupe_self *self, struct troupe_address to,
		const struct veteran_never *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_never_method, in, entry, context, timeout_ns, 0,
			ret_request);
}

TROUPE_WARN_UNUSED
static inline int veteran_never_ask_more(struct troupe_self *self, struct troupe_address to,
		const struct veteran_never *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_never_method, in, entry, context, timeout_ns, TROUPE_MORE,
			ret_request);
}

static inline int veteran_never_return(struct troupe_self *self, struct veteran_never_call call,
		const struct veteran_never_out *out)
{
	return troupe_return(self, call.call, &veteran_never_method, out);
}

TROUPE_WARN_UNUSED
static inline int veteran_never_reply(struct troupe_self *self, struct veteran_never_call call,
		const struct veteran_never_out *out)
{
	return troupe_reply(self, call.call, &veteran_never_method, out);
}

static inline int veteran_never_fail_parameter(struct troupe_self *self, struct veteran_never_call call,
		const char *field, const char *reason)
{
	return troupe_fail_parameter(self, call.call, field, reason);
}

static inline int veteran_never_expect_more(struct troupe_self *self, struct veteran_never_call call)
{
	return troupe_fail_expected_more(self, call.call);
}

static inline int veteran_never_deny(struct troupe_self *self, struct veteran_never_call call)
{
	return troupe_fail_permission_denied(self, call.call);
}

static inline int veteran_never_fail_refused(struct troupe_self *self, struct veteran_never_call call,
		const struct veteran_refused *data)
{
	return troupe_fail(self, call.call, &veteran_refused_error, data);
}

TROUPE_WARN_UNUSED
static inline int veteran_never_keep(struct troupe_self *self, struct veteran_never_call *call)
{
	return troupe_call_keep(self, &call->call);
}

static inline int veteran_never_drop(struct troupe_self *self, struct veteran_never_call call)
{
	return troupe_call_drop(self, call.call);
}

static inline bool veteran_never_wants_more(struct troupe_self *self, struct veteran_never_call call)
{
	return troupe_call_wants_more(self, call.call);
}

static inline bool veteran_never_wants_reply(struct troupe_self *self, struct veteran_never_call call)
{
	return troupe_call_wants_reply(self, call.call);
}

/* How a call of Never ended. At most one of `out` and the errors is not NULL. */
struct veteran_never_reply {
	enum troupe_status status;
	int32_t code; /* FAILED: what the handler returned; else 0 */
	bool continues; /* more replies follow */
	const struct veteran_never_out *out;
	const char *error_name; /* qualified; NULL when OK */
	const char *detail; /* for a log; may be NULL */
	const struct veteran_refused *refused;
};

static inline struct veteran_never_reply veteran_never_reply_read(const struct troupe_reply *reply)
{
	struct veteran_never_reply typed = {reply->status, reply->code, reply->continues, NULL,
		reply->error_name, reply->detail, NULL};

	if (reply->status == TROUPE_OK)
		typed.out = (const struct veteran_never_out *)reply->data;
	if (reply->error == &veteran_refused_error)
		typed.refused = (const struct veteran_refused *)reply->data;
	return typed;
}

/* Define FUNCTION_entry, where replies to Never arrive:
 * static int function(struct troupe_self *self, STATE_TYPE *me, uint64_t context,
 *                     const struct veteran_never_reply *reply); */
#define VETERAN_NEVER_REPLY(function, state_type) \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context, \
			const void *event) \
	{ \
		struct veteran_never_reply typed = \
			veteran_never_reply_read((const struct troupe_reply *)event); \
		return function(self, (state_type *)state, context, &typed); \
	} \
	static const struct troupe_entry function##_entry = { \
		.table_size = sizeof(struct troupe_entry), \
		.kind = TROUPE_ENTRY_REPLY, \
		.name = #function, \
		.method = &veteran_never_method, \
		.interface = &veteran_interface, \
		.on_event = function##_thunk};

/* ---------------- Note ---------------- */

/* A call of Note that waits for its answer. */
struct veteran_note_call {
	struct troupe_call call;
};

TROUPE_WARN_UNUSED
static inline int veteran_note_send(struct troupe_self *self, struct troupe_address to,
		const struct veteran_note *in)
{
	return troupe_send(self, to, &veteran_note_method, in);
}

TROUPE_WARN_UNUSED
static inline int veteran_note_ask(struct troupe_self *self, struct troupe_address to,
		const struct veteran_note *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_note_method, in, entry, context, timeout_ns, 0,
			ret_request);
}

TROUPE_WARN_UNUSED
static inline int veteran_note_ask_more(struct troupe_self *self, struct troupe_address to,
		const struct veteran_note *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_note_method, in, entry, context, timeout_ns, TROUPE_MORE,
			ret_request);
}

static inline int veteran_note_return(struct troupe_self *self, struct veteran_note_call call,
		const struct veteran_note_out *out)
{
	return troupe_return(self, call.call, &veteran_note_method, out);
}

TROUPE_WARN_UNUSED
static inline int veteran_note_reply(struct troupe_self *self, struct veteran_note_call call,
		const struct veteran_note_out *out)
{
	return troupe_reply(self, call.call, &veteran_note_method, out);
}

static inline int veteran_note_fail_parameter(struct troupe_self *self, struct veteran_note_call call,
		const char *field, const char *reason)
{
	return troupe_fail_parameter(self, call.call, field, reason);
}

static inline int veteran_note_expect_more(struct troupe_self *self, struct veteran_note_call call)
{
	return troupe_fail_expected_more(self, call.call);
}

static inline int veteran_note_deny(struct troupe_self *self, struct veteran_note_call call)
{
	return troupe_fail_permission_denied(self, call.call);
}

static inline int veteran_note_fail_refused(struct troupe_self *self, struct veteran_note_call call,
		const struct veteran_refused *data)
{
	return troupe_fail(self, call.call, &veteran_refused_error, data);
}

TROUPE_WARN_UNUSED
static inline int veteran_note_keep(struct troupe_self *self, struct veteran_note_call *call)
{
	return troupe_call_keep(self, &call->call);
}

static inline int veteran_note_drop(struct troupe_self *self, struct veteran_note_call call)
{
	return troupe_call_drop(self, call.call);
}

static inline bool veteran_note_wants_more(struct troupe_self *self, struct veteran_note_call call)
{
	return troupe_call_wants_more(self, call.call);
}

static inline bool veteran_note_wants_reply(struct troupe_self *self, struct veteran_note_call call)
{
	return troupe_call_wants_reply(self, call.call);
}

/* How a call of Note ended. At most one of `out` and the errors is not NULL. */
struct veteran_note_reply {
	enum troupe_status status;
	int32_t code; /* FAILED: what the handler returned; else 0 */
	bool continues; /* more replies follow */
	const struct veteran_note_out *out;
	const char *error_name; /* qualified; NULL when OK */
	const char *detail; /* for a log; may be NULL */
	const struct veteran_refused *refused;
};

static inline struct veteran_note_reply veteran_note_reply_read(const struct troupe_reply *reply)
{
	struct veteran_note_reply typed = {reply->status, reply->code, reply->continues, NULL,
		reply->error_name, reply->detail, NULL};

	if (reply->status == TROUPE_OK)
		typed.out = (const struct veteran_note_out *)reply->data;
	if (reply->error == &veteran_refused_error)
		typed.refused = (const struct veteran_refused *)reply->data;
	return typed;
}

/* Define FUNCTION_entry, where replies to Note arrive:
 * static int function(struct troupe_self *self, STATE_TYPE *me, uint64_t context,
 *                     const struct veteran_note_reply *reply); */
#define VETERAN_NOTE_REPLY(function, state_type) \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context, \
			const void *event) \
	{ \
		struct veteran_note_reply typed = \
			veteran_note_reply_read((const struct troupe_reply *)event); \
		return function(self, (state_type *)state, context, &typed); \
	} \
	static const struct troupe_entry function##_entry = { \
		.table_size = sizeof(struct troupe_entry), \
		.kind = TROUPE_ENTRY_REPLY, \
		.name = #function, \
		.method = &veteran_note_method, \
		.interface = &veteran_interface, \
		.on_event = function##_thunk};

/* ---------------- Configured ---------------- */

/* A call of Configured that waits for its answer. */
struct veteran_configured_call {
	struct troupe_call call;
};

TROUPE_WARN_UNUSED
static inline int veteran_configured_send(struct troupe_self *self, struct troupe_address to,
		const struct veteran_configured *in)
{
	return troupe_send(self, to, &veteran_configured_method, in);
}

TROUPE_WARN_UNUSED
static inline int veteran_configured_ask(struct troupe_self *self, struct troupe_address to,
		const struct veteran_configured *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_configured_method, in, entry, context, timeout_ns, 0,
			ret_request);
}

TROUPE_WARN_UNUSED
static inline int veteran_configured_ask_more(struct troupe_self *self, struct troupe_address to,
		const struct veteran_configured *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_configured_method, in, entry, context, timeout_ns, TROUPE_MORE,
			ret_request);
}

static inline int veteran_configured_return(struct troupe_self *self, struct veteran_configured_call call,
		const struct veteran_configured_out *out)
{
	return troupe_return(self, call.call, &veteran_configured_method, out);
}

TROUPE_WARN_UNUSED
static inline int veteran_configured_reply(struct troupe_self *self, struct veteran_configured_call call,
		const struct veteran_configured_out *out)
{
	return troupe_reply(self, call.call, &veteran_configured_method, out);
}

static inline int veteran_configured_fail_parameter(struct troupe_self *self, struct veteran_configured_call call,
		const char *field, const char *reason)
{
	return troupe_fail_parameter(self, call.call, field, reason);
}

static inline int veteran_configured_expect_more(struct troupe_self *self, struct veteran_configured_call call)
{
	return troupe_fail_expected_more(self, call.call);
}

static inline int veteran_configured_deny(struct troupe_self *self, struct veteran_configured_call call)
{
	return troupe_fail_permission_denied(self, call.call);
}

static inline int veteran_configured_fail_refused(struct troupe_self *self, struct veteran_configured_call call,
		const struct veteran_refused *data)
{
	return troupe_fail(self, call.call, &veteran_refused_error, data);
}

TROUPE_WARN_UNUSED
static inline int veteran_configured_keep(struct troupe_self *self, struct veteran_configured_call *call)
{
	return troupe_call_keep(self, &call->call);
}

static inline int veteran_configured_drop(struct troupe_self *self, struct veteran_configured_call call)
{
	return troupe_call_drop(self, call.call);
}

static inline bool veteran_configured_wants_more(struct troupe_self *self, struct veteran_configured_call call)
{
	return troupe_call_wants_more(self, call.call);
}

static inline bool veteran_configured_wants_reply(struct troupe_self *self, struct veteran_configured_call call)
{
	return troupe_call_wants_reply(self, call.call);
}

/* How a call of Configured ended. At most one of `out` and the errors is not NULL. */
struct veteran_configured_reply {
	enum troupe_status status;
	int32_t code; /* FAILED: what the handler returned; else 0 */
	bool continues; /* more replies follow */
	const struct veteran_configured_out *out;
	const char *error_name; /* qualified; NULL when OK */
	const char *detail; /* for a log; may be NULL */
	const struct veteran_refused *refused;
};

static inline struct veteran_configured_reply veteran_configured_reply_read(const struct troupe_reply *reply)
{
	struct veteran_configured_reply typed = {reply->status, reply->code, reply->continues, NULL,
		reply->error_name, reply->detail, NULL};

	if (reply->status == TROUPE_OK)
		typed.out = (const struct veteran_configured_out *)reply->data;
	if (reply->error == &veteran_refused_error)
		typed.refused = (const struct veteran_refused *)reply->data;
	return typed;
}

/* Define FUNCTION_entry, where replies to Configured arrive:
 * static int function(struct troupe_self *self, STATE_TYPE *me, uint64_t context,
 *                     const struct veteran_configured_reply *reply); */
#define VETERAN_CONFIGURED_REPLY(function, state_type) \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context, \
			const void *event) \
	{ \
		struct veteran_configured_reply typed = \
			veteran_configured_reply_read((const struct troupe_reply *)event); \
		return function(self, (state_type *)state, context, &typed); \
	} \
	static const struct troupe_entry function##_entry = { \
		.table_size = sizeof(struct troupe_entry), \
		.kind = TROUPE_ENTRY_REPLY, \
		.name = #function, \
		.method = &veteran_configured_method, \
		.interface = &veteran_interface, \
		.on_event = function##_thunk};

/* ---------------- Retire ---------------- */

/* A call of Retire that waits for its answer. */
struct veteran_retire_call {
	struct troupe_call call;
};

TROUPE_WARN_UNUSED
static inline int veteran_retire_send(struct troupe_self *self, struct troupe_address to,
		const struct veteran_retire *in)
{
	return troupe_send(self, to, &veteran_retire_method, in);
}

TROUPE_WARN_UNUSED
static inline int veteran_retire_ask(struct troupe_self *self, struct troupe_address to,
		const struct veteran_retire *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_retire_method, in, entry, context, timeout_ns, 0,
			ret_request);
}

TROUPE_WARN_UNUSED
static inline int veteran_retire_ask_more(struct troupe_self *self, struct troupe_address to,
		const struct veteran_retire *in, const struct troupe_entry *entry,
		uint64_t context, uint64_t timeout_ns,
		struct troupe_request *ret_request)
{
	return troupe_call(self, to, &veteran_retire_method, in, entry, context, timeout_ns, TROUPE_MORE,
			ret_request);
}

static inline int veteran_retire_return(struct troupe_self *self, struct veteran_retire_call call,
		const struct veteran_retire_out *out)
{
	return troupe_return(self, call.call, &veteran_retire_method, out);
}

TROUPE_WARN_UNUSED
static inline int veteran_retire_reply(struct troupe_self *self, struct veteran_retire_call call,
		const struct veteran_retire_out *out)
{
	return troupe_reply(self, call.call, &veteran_retire_method, out);
}

static inline int veteran_retire_fail_parameter(struct troupe_self *self, struct veteran_retire_call call,
		const char *field, const char *reason)
{
	return troupe_fail_parameter(self, call.call, field, reason);
}

static inline int veteran_retire_expect_more(struct troupe_self *self, struct veteran_retire_call call)
{
	return troupe_fail_expected_more(self, call.call);
}

static inline int veteran_retire_deny(struct troupe_self *self, struct veteran_retire_call call)
{
	return troupe_fail_permission_denied(self, call.call);
}

static inline int veteran_retire_fail_refused(struct troupe_self *self, struct veteran_retire_call call,
		const struct veteran_refused *data)
{
	return troupe_fail(self, call.call, &veteran_refused_error, data);
}

TROUPE_WARN_UNUSED
static inline int veteran_retire_keep(struct troupe_self *self, struct veteran_retire_call *call)
{
	return troupe_call_keep(self, &call->call);
}

static inline int veteran_retire_drop(struct troupe_self *self, struct veteran_retire_call call)
{
	return troupe_call_drop(self, call.call);
}

static inline bool veteran_retire_wants_more(struct troupe_self *self, struct veteran_retire_call call)
{
	return troupe_call_wants_more(self, call.call);
}

static inline bool veteran_retire_wants_reply(struct troupe_self *self, struct veteran_retire_call call)
{
	return troupe_call_wants_reply(self, call.call);
}

/* How a call of Retire ended. At most one of `out` and the errors is not NULL. */
struct veteran_retire_reply {
	enum troupe_status status;
	int32_t code; /* FAILED: what the handler returned; else 0 */
	bool continues; /* more replies follow */
	const struct veteran_retire_out *out;
	const char *error_name; /* qualified; NULL when OK */
	const char *detail; /* for a log; may be NULL */
	const struct veteran_refused *refused;
};

static inline struct veteran_retire_reply veteran_retire_reply_read(const struct troupe_reply *reply)
{
	struct veteran_retire_reply typed = {reply->status, reply->code, reply->continues, NULL,
		reply->error_name, reply->detail, NULL};

	if (reply->status == TROUPE_OK)
		typed.out = (const struct veteran_retire_out *)reply->data;
	if (reply->error == &veteran_refused_error)
		typed.refused = (const struct veteran_refused *)reply->data;
	return typed;
}

/* Define FUNCTION_entry, where replies to Retire arrive:
 * static int function(struct troupe_self *self, STATE_TYPE *me, uint64_t context,
 *                     const struct veteran_retire_reply *reply); */
#define VETERAN_RETIRE_REPLY(function, state_type) \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context, \
			const void *event) \
	{ \
		struct veteran_retire_reply typed = \
			veteran_retire_reply_read((const struct troupe_reply *)event); \
		return function(self, (state_type *)state, context, &typed); \
	} \
	static const struct troupe_entry function##_entry = { \
		.table_size = sizeof(struct troupe_entry), \
		.kind = TROUPE_ENTRY_REPLY, \
		.name = #function, \
		.method = &veteran_retire_method, \
		.interface = &veteran_interface, \
		.on_event = function##_thunk};

/* Define `table`, the handlers of io.troupe.test.veteran for actors whose state is state_type. The rest are designators of
 * functions; a method without one is answered with MethodNotImplemented:
 *
 *   static int on_echo(struct troupe_self *self, STATE_TYPE *me,
 *                   struct veteran_echo_call call, const struct veteran_echo *in);
 *   VETERAN_HANDLERS(table, STATE_TYPE, .echo = on_echo) */
#define VETERAN_HANDLERS(table, state_type, ...) \
	struct table##_typed { \
		int (*echo)(struct troupe_self *, state_type *, struct veteran_echo_call, \
			const struct veteran_echo *) TROUPE_ABSENT; \
		int (*work)(struct troupe_self *, state_type *, struct veteran_work_call, \
			const struct veteran_work *) TROUPE_ABSENT; \
		int (*serve)(struct troupe_self *, state_type *, struct veteran_serve_call, \
			const struct veteran_serve *) TROUPE_ABSENT; \
		int (*count)(struct troupe_self *, state_type *, struct veteran_count_call, \
			const struct veteran_count *) TROUPE_ABSENT; \
		int (*never)(struct troupe_self *, state_type *, struct veteran_never_call, \
			const struct veteran_never *) TROUPE_ABSENT; \
		int (*note)(struct troupe_self *, state_type *, struct veteran_note_call, \
			const struct veteran_note *) TROUPE_ABSENT; \
		int (*configured)(struct troupe_self *, state_type *, struct veteran_configured_call, \
			const struct veteran_configured *) TROUPE_ABSENT; \
		int (*retire)(struct troupe_self *, state_type *, struct veteran_retire_call, \
			const struct veteran_retire *) TROUPE_ABSENT; \
	}; \
	static const struct table##_typed table##_functions = {__VA_ARGS__}; \
	static int table##_on_echo(struct troupe_self *self, void *state, \
			struct troupe_call call, const void *in) \
	{ \
		struct veteran_echo_call typed = {call}; \
		if (!table##_functions.echo) \
			return troupe_fail_not_implemented(self, call); \
		return table##_functions.echo(self, (state_type *)state, typed, \
			(const struct veteran_echo *)in); \
	} \
	static int table##_on_work(struct troupe_self *self, void *state, \
			struct troupe_call call, const void *in) \
	{ \
		struct veteran_work_call typed = {call}; \
		if (!table##_functions.work) \
			return troupe_fail_not_implemented(self, call); \
		return table##_functions.work(self, (state_type *)state, typed, \
			(const struct veteran_work *)in); \
	} \
	static int table##_on_serve(struct troupe_self *self, void *state, \
			struct troupe_call call, const void *in) \
	{ \
		struct veteran_serve_call typed = {call}; \
		if (!table##_functions.serve) \
			return troupe_fail_not_implemented(self, call); \
		return table##_functions.serve(self, (state_type *)state, typed, \
			(const struct veteran_serve *)in); \
	} \
	static int table##_on_count(struct troupe_self *self, void *state, \
			struct troupe_call call, const void *in) \
	{ \
		struct veteran_count_call typed = {call}; \
		if (!table##_functions.count) \
			return troupe_fail_not_implemented(self, call); \
		return table##_functions.count(self, (state_type *)state, typed, \
			(const struct veteran_count *)in); \
	} \
	static int table##_on_never(struct troupe_self *self, void *state, \
			struct troupe_call call, const void *in) \
	{ \
		struct veteran_never_call typed = {call}; \
		if (!table##_functions.never) \
			return troupe_fail_not_implemented(self, call); \
		return table##_functions.never(self, (state_type *)state, typed, \
			(const struct veteran_never *)in); \
	} \
	static int table##_on_note(struct troupe_self *self, void *state, \
			struct troupe_call call, const void *in) \
	{ \
		struct veteran_note_call typed = {call}; \
		if (!table##_functions.note) \
			return troupe_fail_not_implemented(self, call); \
		return table##_functions.note(self, (state_type *)state, typed, \
			(const struct veteran_note *)in); \
	} \
	static int table##_on_configured(struct troupe_self *self, void *state, \
			struct troupe_call call, const void *in) \
	{ \
		struct veteran_configured_call typed = {call}; \
		if (!table##_functions.configured) \
			return troupe_fail_not_implemented(self, call); \
		return table##_functions.configured(self, (state_type *)state, typed, \
			(const struct veteran_configured *)in); \
	} \
	static int table##_on_retire(struct troupe_self *self, void *state, \
			struct troupe_call call, const void *in) \
	{ \
		struct veteran_retire_call typed = {call}; \
		if (!table##_functions.retire) \
			return troupe_fail_not_implemented(self, call); \
		return table##_functions.retire(self, (state_type *)state, typed, \
			(const struct veteran_retire *)in); \
	} \
	static troupe_handler_fn *const table##_handlers[] = { \
		table##_on_echo, \
		table##_on_work, \
		table##_on_serve, \
		table##_on_count, \
		table##_on_never, \
		table##_on_note, \
		table##_on_configured, \
		table##_on_retire, \
	}; \
	static const struct troupe_handlers table = { \
		.table_size = sizeof(struct troupe_handlers), \
		.n_handlers = 8, \
		.interface = &veteran_interface, \
		.handlers = table##_handlers};

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif

#endif
