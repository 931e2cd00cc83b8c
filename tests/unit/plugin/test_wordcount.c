/* The parts of the wordcount actor that need no actor: the table of words, and the
 * directories it may read. */

/* A plug-in's files are in no archive: they are tested as they are. */
#include "actors/wordcount/directories.c"
#include "actors/wordcount/words.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

/* What standard tools say: see wordcount.varlink. Returns what must be freed. */
static char *count_with_tools(const char *path)
{
	char command[512], *text = NULL;
	size_t size = 0;

	snprintf(command, sizeof(command),
		 "LC_ALL=C tr -cs A-Za-z '\\n' <%s | tr A-Z a-z | grep . | LC_ALL=C sort | "
		 "uniq -c "
		 "| LC_ALL=C sort -k1,1nr -k2",
		 path);
	FILE *pipe = popen(command, "re");
	assert_non_null(pipe);
	FILE *out = open_memstream(&text, &size);
	for (int c; (c = getc(pipe)) != EOF;)
		putc(c, out);
	assert_int_equal(pclose(pipe), 0);
	fclose(out);
	return text;
}

static char *print_words(const struct words *words)
{
	struct word *top;
	size_t n, size;
	char *text = NULL;

	assert_int_equal(words_top(words, 0, &top, &n), 0);
	assert_int_equal(n, words->distinct);
	FILE *out = open_memstream(&text, &size);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%7llu %s\n", (unsigned long long)top[i].count, top[i].text);
	fclose(out);
	free(top);
	return text;
}

static void count_slices(struct words *words, const char *text, size_t size, size_t slice)
{
	enum words_limit limit = WORDS_NO_LIMIT;

	for (size_t at = 0; at < size; at += slice)
		assert_int_equal(words_add(words, text + at,
					   size - at < slice ? size - at : slice, &limit),
				 0);
	assert_int_equal(words_end(words, &limit), 0);
}

static void words_are_those_of_standard_tools_however_sliced(void **state)
{
	static const size_t slices[] = {1, 2, 3, 7, 100, 4096, SIZE_MAX / 2};
	char path[] = "/tmp/test_wordcount.XXXXXX";
	size_t size = 0;
	char *text = malloc(200000);

	(void)state;
	/* All bytes in all neighbourhoods, and some order among them. */
	srand(1);
	while (size < 100000)
		text[size++] = (char)(rand() % 3 ? "abcXYZ\n .e"[rand() % 10] : rand());
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, size), (ssize_t)size);
	close(fd);
	char *expected = count_with_tools(path);
	unlink(path);

	for (size_t i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
		struct words words;
		uint64_t lines = 0;

		words_init(&words, (uint32_t)rand());
		count_slices(&words, text, size, slices[i]);
		char *counted = print_words(&words);
		assert_string_equal(counted, expected);
		for (size_t j = 0; j < size; j++)
			lines += text[j] == '\n';
		assert_int_equal(words.bytes, size);
		assert_int_equal(words.lines, lines);
		free(counted);
		words_fini(&words);
	}
	free(expected);
	free(text);
}

static void words_count_nothing_in_an_empty_text(void **state)
{
	enum words_limit limit = WORDS_NO_LIMIT;
	struct words words;
	struct word *top;
	size_t n;

	(void)state;
	words_init(&words, 0);
	assert_int_equal(words_end(&words, &limit), 0);
	assert_int_equal(words.total + words.bytes + words.lines + words.distinct, 0);
	assert_int_equal(words_top(&words, 0, &top, &n), 0);
	assert_int_equal(n, 0);
	free(top);
	words_fini(&words);
}

static void words_top_has_the_most_frequent_first(void **state)
{
	static const char text[] = "c b a b c c d zz zz zz zz";
	struct words words;
	struct word *top;
	size_t n;

	(void)state;
	words_init(&words, 7);
	count_slices(&words, text, strlen(text), 5);
	assert_int_equal(words_top(&words, 3, &top, &n), 0);
	assert_int_equal(n, 3);
	assert_string_equal(top[0].text, "zz");
	assert_int_equal(top[0].count, 4);
	assert_string_equal(top[1].text, "c");
	assert_string_equal(top[2].text, "b");
	free(top);
	assert_int_equal(words_top(&words, 100, &top, &n), 0);
	assert_int_equal(n, 5);
	assert_string_equal(top[3].text, "a");
	assert_string_equal(top[4].text, "d");
	free(top);
	words_fini(&words);
}

static void words_keep_their_limits(void **state)
{
	enum words_limit limit = WORDS_NO_LIMIT;
	struct words words;
	char *text = malloc(WORDS_LENGTH_MAX + 1);
	char word[16];
	int r = 0;

	(void)state;
	memset(text, 'A', WORDS_LENGTH_MAX + 1);
	words_init(&words, 1);
	assert_int_equal(words_add(&words, text, WORDS_LENGTH_MAX, &limit), 0);
	assert_int_equal(words_end(&words, &limit), 0);
	assert_int_equal(words.distinct, 1);
	words_fini(&words);
	assert_int_equal(words_add(&words, text, WORDS_LENGTH_MAX, &limit), 0);
	assert_int_equal(words_add(&words, "a", 1, &limit), -E2BIG);
	assert_int_equal(limit, WORDS_LENGTH);
	words_fini(&words);
	free(text);

	for (uint32_t i = 0; r == 0 && i <= WORDS_DISTINCT_MAX; i++) {
		uint32_t left = i;
		size_t length = 0;

		for (; length < 5; left /= 26)
			word[length++] = (char)('a' + left % 26);
		word[length++] = ' ';
		limit = WORDS_NO_LIMIT;
		r = words_add(&words, word, length, &limit);
	}
	assert_int_equal(r, -E2BIG);
	assert_int_equal(limit, WORDS_DISTINCT);
	assert_int_equal(words.distinct, WORDS_DISTINCT_MAX);
	words_fini(&words);
}

/* ---- directories: a tree of their own, DIR/in with a file, and what leads out of it */

struct tree {
	char path[64];
};

static void in_tree(const struct tree *tree, char *path, const char *name)
{
	snprintf(path, 256, "%s/%s", tree->path, name);
}

static void make_file(const struct tree *tree, const char *name)
{
	char path[256];

	in_tree(tree, path, name);
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	fputs("text", file);
	fclose(file);
}

static int make_tree(void **state)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	char path[256];

	strcpy(tree->path, "/tmp/test_wordcount.XXXXXX");
	assert_non_null(mkdtemp(tree->path));
	in_tree(tree, path, "in");
	assert_int_equal(mkdir(path, 0700), 0);
	in_tree(tree, path, "in/sub");
	assert_int_equal(mkdir(path, 0700), 0);
	in_tree(tree, path, "inner");
	assert_int_equal(mkdir(path, 0700), 0);
	make_file(tree, "in/file");
	make_file(tree, "in/sub/file");
	make_file(tree, "inner/file");
	make_file(tree, "secret");
	in_tree(tree, path, "in/within");
	assert_int_equal(symlink("sub/file", path), 0);
	in_tree(tree, path, "in/out");
	assert_int_equal(symlink("../secret", path), 0);
	in_tree(tree, path, "in/absolute");
	assert_int_equal(symlink("/etc/passwd", path), 0);
	in_tree(tree, path, "in/fifo");
	assert_int_equal(mkfifo(path, 0600), 0);
	*state = tree;
	return 0;
}

static int remove_tree(void **state)
{
	struct tree *tree = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", tree->path);
	int r = system(command);
	free(tree);
	return r;
}

static void directories_open_only_what_lies_in_them(void **state)
{
	static const struct {
		const char *name;
		int result;
	} cases[] = {
		{"in/file", 0},           {"in//file", 0},
		{"in/sub/file", 0},       {"in/sub/../file", 0},
		{"in/within", 0},         {"in/none", -ENOENT},
		{"in/out", -EXDEV},       {"in/absolute", -EXDEV},
		{"in/../secret", -EXDEV}, {"in/sub/../../secret", -EXDEV},
		{"in/sub", -EINVAL},      {"in/fifo", -EINVAL},
		{"in", -EPERM},           {"in/", -EPERM},
		{"inner/file", -EPERM},   {"secret", -EPERM},
	};
	const struct tree *tree = *state;
	struct directories directories;
	char path[256];
	int fd = -1;

	/* A slash at the end, as people write it. */
	in_tree(tree, path, "in/");
	const char *allowed[] = {path};
	assert_int_equal(directories_init(&directories, allowed, 1), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		in_tree(tree, path, cases[i].name);
		fd = -1;
		int r = directories_open(&directories, path, &fd);
		if (r != cases[i].result)
			fail_msg("%s: %d", cases[i].name, r);
		assert_true((r == 0) == (fd >= 0));
		if (fd >= 0)
			close(fd);
	}
	assert_int_equal(directories_open(&directories, "in/file", &fd), -EINVAL);
	assert_int_equal(directories_open(&directories, "", &fd), -EINVAL);
	directories_fini(&directories);
	in_tree(tree, path, "in/file");
	assert_int_equal(directories_open(&directories, path, &fd), -EPERM);
}

static void directories_may_be_the_root_or_several(void **state)
{
	const struct tree *tree = *state;
	struct directories directories;
	char in[256], inner[256], path[256];
	int fd;

	in_tree(tree, in, "in");
	in_tree(tree, inner, "inner");
	const char *two[] = {in, inner};
	assert_int_equal(directories_init(&directories, two, 2), 0);
	in_tree(tree, path, "inner/file");
	assert_int_equal(directories_open(&directories, path, &fd), 0);
	close(fd);
	directories_fini(&directories);

	const char *root[] = {"/"};
	assert_int_equal(directories_init(&directories, root, 1), 0);
	in_tree(tree, path, "secret");
	assert_int_equal(directories_open(&directories, path, &fd), 0);
	close(fd);
	directories_fini(&directories);
}

static void directories_must_be_absolute_and_not_too_many(void **state)
{
	const char *many[DIRECTORIES_MAX + 1], *relative[] = {"/", "etc"};
	struct directories directories;

	(void)state;
	assert_int_equal(directories_init(&directories, relative, 2), -EINVAL);
	for (size_t i = 0; i <= DIRECTORIES_MAX; i++)
		many[i] = "/x";
	assert_int_equal(directories_init(&directories, many, DIRECTORIES_MAX + 1), -E2BIG);
	assert_int_equal(directories_init(&directories, many, DIRECTORIES_MAX), 0);
	directories_fini(&directories);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_those_of_standard_tools_however_sliced),
		cmocka_unit_test(words_count_nothing_in_an_empty_text),
		cmocka_unit_test(words_top_has_the_most_frequent_first),
		cmocka_unit_test(words_keep_their_limits),
		cmocka_unit_test_setup_teardown(directories_open_only_what_lies_in_them,
						make_tree, remove_tree),
		cmocka_unit_test_setup_teardown(directories_may_be_the_root_or_several,
						make_tree, remove_tree),
		cmocka_unit_test(directories_must_be_absolute_and_not_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
