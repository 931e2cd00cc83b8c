/* troupe-gen - from a Varlink interface to a C header, and from a plug-in to its seal. */
#include "base/cleanup.h"
#include "config.h"
#include "proto/gen.h"
#include "proto/idl.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"Usage: troupe-gen [--host] [--prefix NAME] -o OUT.h IN.varlink\n"
	"       troupe-gen --layout IN.varlink\n"
	"\n"
	"Make a C header of a Varlink interface: structs, descriptors and typed wrappers\n"
	"for actors of Troupe. docs/interfaces.md tells what is in it.\n"
	"\n"
	"  -o, --output FILE   write to FILE, as a whole or not at all\n"
	"      --host          structs and descriptors only, without the calls of actor.h\n"
	"      --prefix NAME   begin names in C with NAME, not with the interface's last part\n"
	"      --layout        print the hash and the layout of each method and error instead\n"
	"      --help          print this\n"
	"      --version       print the version\n";

struct arguments {
	const char *input;
	const char *output;
	bool layout;
	struct gen_options gen;
};

enum { OPTION_HOST = 256, OPTION_PREFIX, OPTION_LAYOUT, OPTION_HELP, OPTION_VERSION };

static int fail(const char *path, const char *what, int error)
{
	fprintf(stderr, "troupe-gen: %s: %s: %s\n", path, what, strerror(-error));
	return EXIT_FAILURE;
}

/* Up to `limit` bytes of a file, and one more if it has them. *ret_text is given. */
static int read_file(const char *path, size_t limit, char **ret_text, size_t *ret_size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	cleanup_free char *text = (char *)malloc(limit + 1);
	size_t size = 0;

	if (fd < 0)
		return -errno;
	if (!text)
		return -ENOMEM;
	while (size < limit + 1) {
		ssize_t n = read(fd, text + size, limit + 1 - size);

		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*ret_text = take_pointer(&text);
	*ret_size = size;
	return 0;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t n = write(fd, text, size);

		if (n < 0)
			return -errno;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Replace a file by a new one in one step: who reads it meanwhile sees the old or the new text. */
static int write_file(const char *path, const char *text, size_t size)
{
	cleanup_free char *temporary = NULL;
	cleanup_close int fd = -1;
	mode_t mask = umask(0);
	int r;

	umask(mask);
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, size);
	if (r == 0 && fchmod(fd, 0666 & ~mask) < 0)
		r = -errno;
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(temporary);
	return r;
}

static int run(const struct arguments *arguments)
{
	cleanup_free char *source = NULL;
	cleanup_free char *text = NULL;
	struct idl_error error = {0};
	struct idl *idl;
	size_t size;
	int r;

	r = read_file(arguments->input, IDL_TEXT_MAX, &source, &size);
	if (r < 0)
		return fail(arguments->input, "cannot read", r);
	r = idl_parse(source, size, &idl, &error);
	if (r == 0) {
		if (arguments->layout)
			r = gen_layouts(idl, &text, &error);
		else
			r = gen_header(idl, &arguments->gen, &text, &size, &error);
		idl_free(idl);
	}
	if (r == -EINVAL) {
		fprintf(stderr, "%s:%u:%u: %s\n", arguments->input, error.line, error.column,
			error.message);
		return EXIT_FAILURE;
	}
	if (r < 0)
		return fail(arguments->input, "cannot translate", r);
	if (arguments->layout)
		return fputs(text, stdout) < 0 || fflush(stdout) != 0 ? EXIT_FAILURE
								      : EXIT_SUCCESS;
	r = write_file(arguments->output, text, size);
	return r < 0 ? fail(arguments->output, "cannot write", r) : EXIT_SUCCESS;
}

static int complain(const char *message)
{
	fprintf(stderr, "troupe-gen: %s\nTry 'troupe-gen --help'.\n", message);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"host", no_argument, NULL, OPTION_HOST},
		{"prefix", required_argument, NULL, OPTION_PREFIX},
		{"layout", no_argument, NULL, OPTION_LAYOUT},
		{"help", no_argument, NULL, OPTION_HELP},
		{"version", no_argument, NULL, OPTION_VERSION},
		{0},
	};
	struct arguments arguments = {0};
	int option;

	while ((option = getopt_long(argc, argv, "o:", options, NULL)) >= 0) {
		switch (option) {
		case 'o':
			arguments.output = optarg;
			break;
		case OPTION_HOST:
			arguments.gen.host = true;
			break;
		case OPTION_PREFIX:
			arguments.gen.prefix = optarg;
			break;
		case OPTION_LAYOUT:
			arguments.layout = true;
			break;
		case OPTION_HELP:
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case OPTION_VERSION:
			puts("troupe-gen " TROUPE_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try 'troupe-gen --help'.\n", stderr);
			return EXIT_FAILURE;
		}
	}
	if (optind + 1 != argc)
		return complain("give one file to read");
	if (!arguments.layout && !arguments.output)
		return complain("say with -o where to write");
	arguments.input = argv[optind];
	return run(&arguments);
}
