/* Blocks from another process: decoded when they are canonical, refused when not. */
#include "tests/unit/proto/codec_samples.h"

static void wire_decodes_to_an_equal_value(void **state)
{
	struct node next = leaf(), root = full(&next);
	size_t size;
	void *wire = encode(&node_type, &root, &size);

	(void)state;
	assert_int_equal(codec_decode(&node_type, wire, size, NULL), 0);
	assert_true(codec_equal(&node_type, &root, wire));
	free(wire);
}

static void wire_has_offsets_and_zero_padding(void **state)
{
	struct mixed mixed;
	struct node node = leaf();
	unsigned char *wire;
	uint64_t offset;
	size_t size;

	(void)state;
	memset(&mixed, 0xaa, sizeof(mixed));
	mixed.on = true;
	mixed.off = false;
	mixed.color = BLUE;
	wire = encode(&mixed_type, &mixed, &size);
	for (size_t i = 1; i < 8; i++) {
		assert_int_equal(wire[i], 0);
		assert_int_equal(wire[offsetof(struct mixed, off) + i], 0);
	}
	assert_int_equal(decode(&mixed_type, wire, size, NULL), 0);
	free(wire);
	wire = encode(&node_type, &node, &size);
	memcpy(&offset, wire, sizeof(offset));
	assert_int_equal(offset, sizeof(node));
	free(wire);
}

static void decode_refuses_padding_that_is_not_zero(void **state)
{
	struct mixed mixed = {.on = true};
	struct node next = leaf(), root = full(&next);
	struct codec_error error;
	size_t size, text;
	unsigned char *wire = encode(&mixed_type, &mixed, &size);

	(void)state;
	wire[3] = 1;
	assert_int_equal(decode(&mixed_type, wire, size, &error), -EBADMSG);
	wire[3] = 0;
	wire[size - 1] = 1;
	assert_int_equal(decode(&mixed_type, wire, size, &error), -EBADMSG);
	free(wire);
	/* between pointees: "root" ends three bytes before the words */
	wire = encode(&node_type, &root, &size);
	text = sizeof(root) + sizeof("root");
	assert_int_equal(decode(&node_type, wire, size, &error), 0);
	wire[text] = 1;
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "words");
	free(wire);
}

static void decode_refuses_offsets_but_the_next(void **state)
{
	(void)state;
	assert_refused(offsetof(struct node, name), 0, "name");
	assert_refused(offsetof(struct node, name), sizeof(struct node) + 1, "name");
	assert_refused(offsetof(struct node, name), UINT64_MAX, "name");
	assert_refused(offsetof(struct node, words.items), sizeof(struct node), "words");
	assert_refused(offsetof(struct node, next), 8, "next");
	assert_refused(offsetof(struct node, bytes.data), 0, "bytes");
	assert_refused(offsetof(struct node, object), 1u << 30, "object");
}

static void decode_refuses_counts_beyond_the_block(void **state)
{
	(void)state;
	assert_refused(offsetof(struct node, words.count), UINT64_MAX, "words");
	assert_refused(offsetof(struct node, words.count), (1ull << 61) + 1, "words");
	assert_refused(offsetof(struct node, words.count), 1000, "words");
	assert_refused(offsetof(struct node, words.count), 0, "words");
	assert_refused(offsetof(struct node, marks.count), UINT64_MAX / 16 + 2, "marks");
	assert_refused(offsetof(struct node, bytes.size), UINT64_MAX, "bytes");
	assert_refused(offsetof(struct node, bytes.size), 0, "bytes");
}

static void decode_refuses_floats_not_finite(void **state)
{
	(void)state;
	assert_refused(offsetof(struct node, weight), 0x7ff0000000000000ull, "weight");
	assert_refused(offsetof(struct node, weight), 0x7ff8000000000001ull, "weight");
}

static void decode_refuses_bools_and_enums_out_of_range(void **state)
{
	struct mixed mixed = {.on = true};
	struct codec_error error;
	size_t size;
	unsigned char *wire = encode(&mixed_type, &mixed, &size);

	(void)state;
	wire[0] = 2;
	assert_int_equal(decode(&mixed_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "on");
	wire[0] = 0;
	wire[offsetof(struct mixed, color)] = 3;
	assert_int_equal(decode(&mixed_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "color");
	free(wire);
}

static void decode_refuses_keys_twice_or_out_of_order(void **state)
{
	static const struct entry marks[] = {{"a", true}, {"b", true}};
	struct node node = leaf();
	struct codec_error error;
	size_t size, keys;
	char *wire;

	(void)state;
	node.marks = (struct entries){marks, 2};
	wire = encode(&node_type, &node, &size);
	keys = size - sizeof("{}") - 4;
	assert_memory_equal(wire + keys, "a\0b\0", 4);
	wire[keys] = 'b';
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "marks[1]");
	wire[keys] = 'c';
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	wire[keys] = (char)0xff;
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "marks[0]");
	free(wire);
}

static void decode_refuses_bad_text_and_objects(void **state)
{
	struct node node = leaf();
	struct codec_error error;
	size_t size;
	char *wire = encode(&node_type, &node, &size);

	(void)state;
	wire[sizeof(node)] = (char)0xc0;
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "name");
	wire[sizeof(node)] = 'l';
	wire[size - 2] = ']';
	assert_int_equal(decode(&node_type, wire, size, &error), -EBADMSG);
	assert_string_equal(error.path, "object");
	free(wire);
}

static void decode_refuses_other_sizes(void **state)
{
	struct node next = leaf(), root = full(&next);
	size_t size;
	char *wire = encode(&node_type, &root, &size);
	char *longer = calloc(1, size + 1);

	(void)state;
	assert_non_null(longer);
	for (size_t i = 0; i < size; i++)
		assert_int_equal(decode(&node_type, wire, i, NULL), -EBADMSG);
	memcpy(longer, wire, size);
	assert_int_equal(decode(&node_type, longer, size + 1, NULL), -EBADMSG);
	assert_int_equal(decode(&empty_type, longer, 1, NULL), -EBADMSG);
	assert_int_equal(decode(&empty_type, longer, 0, NULL), 0);
	free(longer);
	free(wire);
}

static void decode_refuses_chains_too_deep(void **state)
{
	/* Built by hand, since codec_size() refuses to. */
	enum { N = CODEC_DEPTH_MAX + 1 };
	struct cell {
		uint64_t next;
	} cells[N];

	(void)state;
	for (size_t i = 0; i < N; i++)
		cells[i].next = i + 1 < N ? (i + 1) * sizeof(struct cell) : 0;
	assert_int_equal(decode(&chain_type, cells, sizeof(cells), NULL), -EBADMSG);
	cells[N - 2].next = 0;
	assert_int_equal(decode(&chain_type, cells, sizeof(cells) - 8, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_decodes_to_an_equal_value),
		cmocka_unit_test(wire_has_offsets_and_zero_padding),
		cmocka_unit_test(decode_refuses_padding_that_is_not_zero),
		cmocka_unit_test(decode_refuses_offsets_but_the_next),
		cmocka_unit_test(decode_refuses_counts_beyond_the_block),
		cmocka_unit_test(decode_refuses_floats_not_finite),
		cmocka_unit_test(decode_refuses_bools_and_enums_out_of_range),
		cmocka_unit_test(decode_refuses_keys_twice_or_out_of_order),
		cmocka_unit_test(decode_refuses_bad_text_and_objects),
		cmocka_unit_test(decode_refuses_other_sizes),
		cmocka_unit_test(decode_refuses_chains_too_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
