/* test_proto_failpoints.c - each allocation and each descriptor of proto/ fails once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/loop.h"
#include "base/seqpacket.h"
#include "proto/assign.h"
#include "proto/channel.h"
#include "proto/codec.h"
#include "proto/envelope.h"
#include "proto/gen.h"
#include "proto/idl.h"
#include "proto/idl_subset.h"
#include "proto/invalid_parameter.h"
#include "proto/json.h"
#include "proto/json_tree.h"
#include "proto/layout.h"
#include "proto/packet.h"
#include "proto/plugin_describe.h"
#include "proto/plugin_info.h"
#include "proto/seal.h"
#include "tests/failpoints/sweep.h"
#include "tests/unit/proto/note.h"
#include "tests/unit/proto/workshop.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* ---- types and values */

static const char types[] = "(i:int,f:float,s:string,n:binary,a:address,o:object,e:{one,two},"
			    "st:(b:bool),ar:[]string,m:[string](b:bool),op:?(next:?^1))";
static const char newer[] =
	"(s:string,i:?int,ar:[]string,e:{two,one},n:binary,o:object,m:[string](b:?bool),"
	"st:(b:bool),f:float,a:address,op:?(next:?^1),fresh:?string)";
static const char value[] = "{\"i\":1,\"f\":1.5,\"s\":\"t\\u00e4xt\",\"n\":\"YWJj\",\"a\":\"0."
			    "1.2.3.4\",\"o\":{\"x\":[1,2]},"
			    "\"e\":\"two\",\"st\":{\"b\":true},\"ar\":[\"one\",\"two\"],\"m\":{"
			    "\"k\":{\"b\":false},\"j\":{\"b\":true}},"
			    "\"op\":{}}";

static int print_types(void *data)
{
	struct layout *layout;
	char *text;
	int r = layout_parse(types, strlen(types), &layout);

	(void)data;
	if (r < 0)
		return r;
	r = layout_print(layout_type(layout), &text);
	if (r == 0) {
		assert_string_equal(text, types);
		free(text);
	}
	layout_free(layout);
	return r;
}

static int pass_value(const struct troupe_type *from, const struct troupe_type *to)
{
	struct codec_error error;
	void *block, *converted;
	size_t size, text_size;
	char *text;
	int r = json_decode(from, value, strlen(value), &block, &size, &error);

	if (r < 0)
		return r;
	r = codec_convert(from, block, to, 0, &converted, &size, &error);
	free(block);
	if (r < 0)
		return r;
	r = json_encode(to, converted, &text, &text_size);
	free(converted);
	if (r < 0)
		return r;
	assert_non_null(strstr(text, "\"j\":{\"b\":true}"));
	assert_int_equal(strlen(text), text_size);
	free(text);
	return 0;
}

static struct layout *from_layout, *to_layout;

static int convert_value(void *data)
{
	(void)data;
	return pass_value(layout_type(from_layout), layout_type(to_layout));
}

/* ---- trees of JSON */

static int build_tree(void *data)
{
	struct json_tree *tree = json_tree_object(), *array = json_tree_array(),
			 *more = json_tree_array(), *again;
	struct codec_error error;
	size_t size;
	char *text;
	unsigned members = 0;
	int r;

	(void)data;
	for (int i = 0; i < 20; i++)
		json_tree_append(array, json_tree_int(i));
	json_tree_append(more, json_tree_null());
	json_tree_extend(array, more);
	json_tree_free(more);
	json_tree_set(tree, "array", array);
	json_tree_set_text(tree, "text", "wörd \"quoted\"");
	json_tree_set(tree, "float", json_tree_float(0.5));
	json_tree_set(tree, "bool", json_tree_bool(true));
	json_tree_set(tree, "null", json_tree_null());
	json_tree_set(tree, "again", json_tree_string("x"));
	json_tree_remove(tree, "again");
	r = json_tree_print(tree, 2, &text, &size);
	json_tree_free(tree);
	if (r < 0)
		return r;
	r = json_tree_parse(text, strlen(text), &again, &error);
	free(text);
	if (r < 0)
		return r;
	assert_string_equal(json_tree_text(json_tree_find(again, "text")), "wörd \"quoted\"");
	json_tree_foreach(member, json_tree_find(again, "array")) members++;
	assert_int_equal(members, 21);
	json_tree_free(again);
	return 0;
}

static int assign_values(void *data)
{
	static const char *const pairs[][2] = {
		{"s", "text"}, {"n", "YWJj"}, {"st.b", "yes"},   {"m.key.b", "no"},
		{"e", "two"},  {"i", "64K"},  {"ar", "[\"a\"]"}, {"f", "1.5"},
	};
	const struct troupe_type *type = layout_type(from_layout);
	struct json_tree *root = json_tree_object();
	int r = root ? 0 : -ENOMEM;
	size_t size;
	char *text;

	(void)data;
	for (size_t i = 0; i < LEN(pairs) && r == 0; i++) {
		struct assign_place place;
		struct assign_fault fault;
		struct json_tree *assigned;
		char why[ASSIGN_WHY_MAX];

		r = assign_find(root, type, pairs[i][0], 0, &place, &fault);
		if (r < 0)
			break;
		r = assign_value(place.type, pairs[i][1], &assigned, why);
		if (r == 0)
			json_tree_set(place.object, place.name, assigned);
		free(place.name);
	}
	if (r == 0)
		r = json_tree_print(root, 0, &text, &size);
	json_tree_free(root);
	if (r < 0)
		return r;
	assert_non_null(strstr(text, "\"m\":{\"key\":{\"b\":false}}"));
	free(text);
	text = invalid_parameter_print("m.key", "a reason");
	if (!text)
		return -ENOMEM;
	assert_string_equal(text, "{\"parameter\":\"m.key\",\"reason\":\"a reason\"}");
	free(text);
	return 0;
}

/* ---- interfaces, and what is made of them */

static int generate(void *data)
{
	const char *const *files = (const char *const *)data;
	int r = 0;

	for (; *files && r == 0; files++) {
		struct idl_error error = {0};
		struct idl *idl;
		size_t size;
		char *source, *text;

		/* The test's own, which does not fail. */
		source = workshop_read(*files, &size);
		r = idl_parse(source, size, &idl, &error);
		free(source);
		if (r < 0)
			break;
		r = idl_subset_check(idl, &error);
		if (r == 0)
			r = gen_header(idl, &(struct gen_options){0}, &text, &size, &error);
		if (r == 0) {
			assert_non_null(strstr(text, "#endif"));
			free(text);
			r = gen_layouts(idl, &text, &error);
		}
		if (r == 0) {
			assert_true(!*text || text[strlen(text) - 1] == '\n');
			free(text);
		}
		idl_free(idl);
	}
	return r;
}

/* ---- plug-ins' files */

static char *plugin;
static size_t plugin_size;

static void on_offender(void *context, const struct seal_offender *offender)
{
	(void)context;
	fail_msg("%s", offender->symbol);
}

static int read_plugin(void *data)
{
	char why[PLUGIN_WHY_MAX] = "";
	struct plugin_info *info;
	struct seal seal;
	char *text;
	int r = plugin_info_read(plugin, plugin_size, 0, &info, why);

	(void)data;
	if (r < 0)
		return r;
	assert_int_equal(info->n_actors, 1);
	assert_string_equal(info->actors[0].name, "hello");
	assert_non_null(info->actors[0].config_member);
	plugin_info_free(info);
	r = plugin_describe(plugin, plugin_size, &text, why);
	if (r < 0)
		return r;
	assert_non_null(strstr(text, "TROUPE_NOTE_TABLE"));
	free(text);
	return seal_judge(plugin, plugin_size, on_offender, NULL, &seal);
}

/* ---- envelopes */

static int batch_envelopes(void *data)
{
	const struct troupe_address from = {0, 3, 17, 3, 4}, to = {0, 2, 1, 5, 9};
	const struct envelope send = {
		.kind = ENVELOPE_SEND, .from = from, .to = to, .hash = 5, .size = 1000};
	struct envelope_batch batch;
	void *payload;
	size_t size, added = 0, read = 0;
	int r = 0;

	(void)data;
	envelope_batch_init(&batch, 1 << 20, process_of(from), process_of(to), 7);
	for (int i = 0; i < 100 && r == 0; i++) {
		r = envelope_batch_add(&batch, &send, &payload);
		if (r == 0) {
			memset(payload, 'x', 1000);
			added++;
		}
	}
	/* It leaves as a whole, or stays; and what was taken before is whole. */
	if (added) {
		unsigned char *taken = envelope_batch_take(&batch, &size);

		if (taken) {
			assert_int_equal(
				envelope_reader_init(&(struct envelope_reader){0}, taken, size),
				0);
			free(taken);
			assert_int_equal(batch.count, 0);
			added = 0;
		} else {
			r = -ENOMEM;
		}
	}
	sweep_calm();
	if (added) {
		struct envelope_reader reader;
		struct envelope envelope;
		const void *bytes = envelope_batch_data(&batch, &size);

		assert_int_equal(envelope_reader_init(&reader, bytes, size), 0);
		while (envelope_reader_next(&reader, &envelope) == 1)
			read++;
		assert_int_equal(read, added);
		envelope_batch_sent(&batch);
	}
	assert_int_equal(envelope_batch_add(&batch, &send, &payload), 0);
	envelope_batch_fini(&batch);
	return r;
}

/* ---- channels */

struct end {
	struct channel *channel;
	size_t notes, bytes, fds;
	int closes, error;
};

static void on_note(void *context, const void *in)
{
	struct end *end = (struct end *)context;

	end->notes++;
	end->bytes += strlen(((const struct note *)in)->text);
	end->fds += *channel_fd(end->channel) >= 0;
}

static void on_closed(void *context, int error)
{
	struct end *end = (struct end *)context;

	end->closes++;
	end->error = error;
}

static const struct channel_handler handlers[] = {{&note_method, on_note}};

static struct loop *loop;

static void settle(void)
{
	for (int i = 0; i < 300; i++)
		loop_step(loop, false);
}

/* Small notices, large ones and those with a descriptor, more than the socket holds. What was
 * accepted arrives, or the channel ends with the error. */
static int pass_notes(void *data)
{
	struct end ends[2] = {{0}, {0}};
	int pair[2], r = seqpacket_pair(pair);
	size_t sent = 0;
	char *large;

	(void)data;
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++) {
		const struct channel_config config = {.loop = loop,
						      .fd = pair[i],
						      .handlers = handlers,
						      .n_handlers = 1,
						      .on_closed = on_closed,
						      .context = &ends[i]};
		r = channel_new(&config, &ends[i].channel);
		if (r < 0) {
			if (i == 0)
				close(pair[1]);
			else
				channel_free(ends[0].channel);
			return r;
		}
	}
	large = (char *)malloc(2 * PACKET_INLINE);
	memset(large, 'x', 2 * PACKET_INLINE);
	for (int i = 0; i < 30; i++) {
		int sending;

		large[i % 5 == 0 ? 2 * PACKET_INLINE - 1 : 20000] = '\0';
		if (i % 4 == 1)
			sending = channel_send_soon(ends[0].channel, &note_method,
						    &(struct note){.text = large});
		else
			sending = channel_send(ends[0].channel, &note_method,
					       &(struct note){.text = large},
					       i % 7 == 0 ? STDERR_FILENO : -1);
		large[20000] = 'x';
		if (sending < 0)
			r = sending;
		else
			sent++;
	}
	settle();
	if (!ends[0].closes && !ends[1].closes) {
		sweep_calm();
		assert_int_equal(channel_flush(ends[0].channel), 0);
		settle();
		assert_int_equal(ends[1].notes, sent);
		assert_int_equal(channel_send(ends[0].channel, &note_method,
					      &(struct note){.text = "last"}, -1),
				 0);
		settle();
		assert_int_equal(ends[1].notes, sent + 1);
	} else {
		r = ends[0].error < 0 ? ends[0].error : ends[1].error;
		assert_true(r < 0);
	}
	channel_free(ends[0].channel);
	channel_free(ends[1].channel);
	free(large);
	return r;
}

/* ---- */

static void types_and_values_are_whole_or_refused(void **state)
{
	(void)state;
	assert_int_equal(layout_parse(types, strlen(types), &from_layout), 0);
	assert_int_equal(layout_parse(newer, strlen(newer), &to_layout), 0);
	sweep(print_types, NULL);
	sweep(convert_value, NULL);
	sweep(assign_values, NULL);
	layout_free(from_layout);
	layout_free(to_layout);
}

static void tree_that_lost_a_member_is_not_printed(void **state)
{
	(void)state;
	sweep(build_tree, NULL);
}

static void interface_is_parsed_whole_or_not_at_all(void **state)
{
	static const char *const files[] = {DATA "types.varlink", DATA "kiosk.varlink",
					    DATA "hello.varlink", NULL};

	(void)state;
	sweep(generate, (void *)(uintptr_t)files);
}

static void plugin_is_read_whole_or_refused(void **state)
{
	char program[512], path[600];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	(void)state;
	assert_true(n > 0);
	program[n] = '\0';
	*strstr(program, "/tests/unit/") = '\0';
	snprintf(path, sizeof(path), "%s/plugins/hello.so", program);
	plugin = workshop_read(path, &plugin_size);
	sweep(read_plugin, NULL);
	free(plugin);
}

static void batch_keeps_what_it_took(void **state)
{
	(void)state;
	sweep(batch_envelopes, NULL);
}

static void notices_arrive_or_the_channel_says_why(void **state)
{
	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	sweep(pass_notes, NULL);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_and_values_are_whole_or_refused),
		cmocka_unit_test(tree_that_lost_a_member_is_not_printed),
		cmocka_unit_test(interface_is_parsed_whole_or_not_at_all),
		cmocka_unit_test(plugin_is_read_whole_or_refused),
		cmocka_unit_test(batch_keeps_what_it_took),
		cmocka_unit_test(notices_arrive_or_the_channel_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
