/* certification.c - Varlink's public test of implementations, as a service: each client calls
 * Start, Test01 ... Test11, End in turn and hands on what it was given. */
#include "certification.varlink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>

#define CLIENTS 64 /* then the first ones are forgotten */
#define REPLIES 10
#define OBJECT                                                                                 \
	"{\"method\":\"org.varlink.certification.Test09\",\"parameters\":{\"map\":{\"foo\":"   \
	"\"Foo\",\"bar\":\"Bar\"}}}"
#define TEXT       "a lot of string"
#define NUMBER     2
#define FRACTION   3.1415926535
#define LEN(array) (sizeof(array) / sizeof((array)[0]))

struct client {
	unsigned long long id; /* 0: none */
	unsigned step;         /* the test that it has passed last */
};

struct certification {
	struct client clients[CLIENTS];
	unsigned long long last_id;
};

static const struct certification_string_map_entry dictionary[] = {{"bar", "Bar"},
								   {"foo", "Foo"}};
static const char *const words[] = {"one", "two", "three"};
static const char *const set[] = {"one", "three", "two"};

/* NULL: no such client. */
static struct client *find_client(struct certification *me, const char *text)
{
	char *end;
	unsigned long long id = strtoull(text, &end, 10);

	for (size_t i = 0; i < CLIENTS; i++)
		if (id != 0 && *end == '\0' && me->clients[i].id == id)
			return &me->clients[i];
	return NULL;
}

/* ---- what a test should get */

static bool is_dictionary(struct certification_string_map map)
{
	if (map.count != LEN(dictionary))
		return false;
	for (size_t i = 0; i < map.count; i++)
		if (strcmp(map.items[i].key, dictionary[i].key) != 0 ||
		    strcmp(map.items[i].value, dictionary[i].value) != 0)
			return false;
	return true;
}

static bool is_all(bool bool_, int64_t int_, double float_, const char *string)
{
	return !bool_ && int_ == NUMBER && float_ > FRACTION - 1e-9 &&
	       float_ < FRACTION + 1e-9 && strcmp(string, TEXT) == 0;
}

/* Clients may write the keys of an object in an order of their own, with blanks between. */
static bool is_object(const char *text)
{
	static const char *const pieces[] = {
		"\"method\"",     "\"org.varlink.certification.Test09\"",
		"\"parameters\"", "\"map\"",
		"\"foo\"",        "\"Foo\"",
		"\"bar\"",        "\"Bar\""};

	for (size_t i = 0; i < LEN(pieces); i++)
		if (!strstr(text, pieces[i]))
			return false;
	return true;
}

static const struct certification_interface__foo_map_entry first_foo[] = {
	{"Bar", CERTIFICATION_INTERFACE__FOO_BAR}, {"Foo", CERTIFICATION_INTERFACE__FOO_FOO}};
static const struct certification_interface__foo_map_entry second_foo[] = {
	{"one", CERTIFICATION_INTERFACE__FOO_FOO}, {"two", CERTIFICATION_INTERFACE__FOO_BAR}};

static bool is_foo(const struct certification_interface__foo_map *map,
		   const struct certification_interface__foo_map_entry *wanted)
{
	return map && map->count == 2 && strcmp(map->items[0].key, wanted[0].key) == 0 &&
	       map->items[0].value == wanted[0].value &&
	       strcmp(map->items[1].key, wanted[1].key) == 0 &&
	       map->items[1].value == wanted[1].value;
}

static bool is_interface(const struct certification_interface_ *interface)
{
	const struct certification_interface__foo_map_optional_array *foo = interface->foo;

	return interface->anon.foo && !interface->anon.bar && foo && foo->count == 4 &&
	       !foo->items[0] && is_foo(foo->items[1], first_foo) && !foo->items[2] &&
	       is_foo(foo->items[3], second_foo);
}

static bool is_mytype(const struct certification_my_type *type)
{
	bool is_right = is_object(type->object) &&
			type->enum_ == CERTIFICATION_MY_TYPE_ENUM_TWO &&
			type->struct_.first == 1 && strcmp(type->struct_.second, "2") == 0 &&
			type->array.count == LEN(words) && is_dictionary(type->dictionary) &&
			type->stringset.count == LEN(set) && !type->nullable &&
			!type->nullable_array_struct && is_interface(&type->interface);

	for (size_t i = 0; is_right && i < LEN(words); i++)
		is_right = strcmp(type->array.items[i], words[i]) == 0 &&
			   strcmp(type->stringset.items[i].key, set[i]) == 0;
	return is_right;
}

/* ---- the tests */

/* Whether the client may take test `number` now, with the right parameters; if not, it has been
 * answered. */
#define CHECK(test, number, is_right)                                                          \
	struct client *client = find_client(me, in->client_id);                                \
                                                                                               \
	if (!client)                                                                           \
		return certification_##test##_fail_client_id_error(                            \
			self, call, &(struct certification_client_id_error){0});               \
	if (client->step != (number)-1 || !(is_right))                                         \
		return certification_##test##_fail_certification_error(                        \
			self, call,                                                            \
			&(struct certification_certification_error){                           \
				.wants = "{\"test\":" #number "}",                             \
				.got = client->step == (number)-1 ? "{\"test\":" #number "}"   \
								  : "{}"});                    \
	client->step = (number);

#define TEST(test)                                                                             \
	static int on_##test(struct troupe_self *self, struct certification *me,               \
			     struct certification_##test##_call call,                          \
			     const struct certification_##test *in)

TEST(start)
{
	struct client *client = &me->clients[me->last_id % CLIENTS];
	char id[32];

	(void)in;
	*client = (struct client){.id = ++me->last_id};
	snprintf(id, sizeof(id), "%llu", client->id);
	return certification_start_return(self, call,
					  &(struct certification_start_out){.client_id = id});
}

TEST(test01)
{
	CHECK(test01, 1, true)
	return certification_test01_return(self, call,
					   &(struct certification_test01_out){.bool_ = true});
}

TEST(test02)
{
	CHECK(test02, 2, in->bool_)
	return certification_test02_return(self, call,
					   &(struct certification_test02_out){.int_ = 1});
}

TEST(test03)
{
	CHECK(test03, 3, in->int_ == 1)
	return certification_test03_return(self, call,
					   &(struct certification_test03_out){.float_ = 1.0});
}

TEST(test04)
{
	CHECK(test04, 4, in->float_ > 0.999 && in->float_ < 1.001)
	return certification_test04_return(
		self, call, &(struct certification_test04_out){.string = "ping"});
}

TEST(test05)
{
	CHECK(test05, 5, strcmp(in->string, "ping") == 0)
	return certification_test05_return(self, call,
					   &(struct certification_test05_out){
						   .bool_ = false,
						   .int_ = NUMBER,
						   .float_ = FRACTION,
						   .string = TEXT,
					   });
}

TEST(test06)
{
	CHECK(test06, 6, is_all(in->bool_, in->int_, in->float_, in->string))
	return certification_test06_return(
		self, call,
		&(struct certification_test06_out){.struct_ = {
							   .bool_ = false,
							   .int_ = NUMBER,
							   .float_ = FRACTION,
							   .string = TEXT,
						   }});
}

TEST(test07)
{
	const struct certification_test07_struct *all = &in->struct_;

	CHECK(test07, 7, is_all(all->bool_, all->int_, all->float_, all->string))
	return certification_test07_return(
		self, call,
		&(struct certification_test07_out){.map = {dictionary, LEN(dictionary)}});
}

TEST(test08)
{
	static const struct certification_test08_out_set_map_entry all[] = {
		{"one", {0}}, {"three", {0}}, {"two", {0}}};

	CHECK(test08, 8, is_dictionary(in->map))
	return certification_test08_return(
		self, call, &(struct certification_test08_out){.set = {all, LEN(all)}});
}

TEST(test09)
{
	static const struct certification_my_type_stringset_map_entry strings[] = {
		{"one", {0}}, {"three", {0}}, {"two", {0}}};
	static const struct certification_interface__foo_map first = {first_foo,
								      LEN(first_foo)};
	static const struct certification_interface__foo_map second = {second_foo,
								       LEN(second_foo)};
	static const struct certification_interface__foo_map *const maps[] = {NULL, &first,
									      NULL, &second};
	static const struct certification_interface__foo_map_optional_array foo = {maps,
										   LEN(maps)};
	bool is_right = in->set.count == LEN(set);

	for (size_t i = 0; is_right && i < LEN(set); i++)
		is_right = strcmp(in->set.items[i].key, set[i]) == 0;
	CHECK(test09, 9, is_right)
	return certification_test09_return(
		self, call,
		&(struct certification_test09_out){
			.mytype = {
				.object = OBJECT,
				.enum_ = CERTIFICATION_MY_TYPE_ENUM_TWO,
				.struct_ = {.first = 1, .second = "2"},
				.array = {words, LEN(words)},
				.dictionary = {dictionary, LEN(dictionary)},
				.stringset = {strings, LEN(strings)},
				.interface = {.foo = &foo, .anon = {.foo = true, .bar = false}},
			}});
}

static void print_number(char text[32], int number)
{
	snprintf(text, 32, "Reply number %d", number);
}

TEST(test10)
{
	char text[32];
	int r = 0;

	if (!certification_test10_wants_more(self, call))
		return certification_test10_expect_more(self, call);
	CHECK(test10, 10, is_mytype(&in->mytype))
	for (int i = 1; r == 0 && i < REPLIES; i++) {
		print_number(text, i);
		r = certification_test10_reply(self, call,
					       &(struct certification_test10_out){text});
	}
	print_number(text, REPLIES);
	return r < 0 ? r
		     : certification_test10_return(self, call,
						   &(struct certification_test10_out){text});
}

TEST(test11)
{
	bool is_right = in->last_more_replies.count == REPLIES;
	char text[32];

	for (int i = 1; is_right && i <= REPLIES; i++) {
		print_number(text, i);
		is_right = strcmp(in->last_more_replies.items[i - 1], text) == 0;
	}
	CHECK(test11, 11, is_right)
	return certification_test11_return(self, call, &(struct certification_test11_out){0});
}

TEST(end)
{
	CHECK(end, 12, true)
	client->id = 0;
	return certification_end_return(self, call,
					&(struct certification_end_out){.all_ok = true});
}

CERTIFICATION_HANDLERS(certification_all, struct certification, .start = on_start,
		       .test01 = on_test01, .test02 = on_test02, .test03 = on_test03,
		       .test04 = on_test04, .test05 = on_test05, .test06 = on_test06,
		       .test07 = on_test07, .test08 = on_test08, .test09 = on_test09,
		       .test10 = on_test10, .test11 = on_test11, .end = on_end)

TROUPE_ACTOR(certification) = {
	TROUPE_ABI(certification),
	.description = "Varlink's public test of implementations",
	.state_size = sizeof(struct certification),
	.interfaces = {&certification_all},
};
