/* troupe-gen - from a Varlink interface to a C header, and from a plug-in to its seal. */
#include "base/cleanup.h"
#include "base/io.h"
#include "proto/gen.h"
#include "proto/idl.h"
#include "proto/idl_subset.h"
#include "proto/plugin_describe.h"
#include "proto/plugin_info.h"
#include "proto/sdk_symbols.h"
#include "proto/seal.h"
#include "release.h"
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"Usage: troupe-gen [--host] [--prefix NAME] -o OUT.h IN.varlink\n"
	"       troupe-gen --layout IN.varlink\n"
	"       troupe-gen --seal [--allow-globals] PLUGIN.so [-o SEAL.c]\n"
	"       troupe-gen --sdk\n"
	"\n"
	"Make a C header of a Varlink interface: structs, descriptors and typed wrappers\n"
	"for actors of Troupe. docs/interfaces.md describes it.\n"
	"With --seal, look into a linked plug-in for writable static data of its own,\n"
	"and write the C file of notes that say how much the runtimes have in it, and\n"
	"what each actor type is; link the plug-in again with that.\n"
	"\n"
	"  -o, --output FILE   write to FILE, as a whole or not at all\n"
	"      --host          structs and descriptors only, without the calls of actor.h\n"
	"      --prefix NAME   begin names in C with NAME, not with the interface's last part\n"
	"      --layout        print the hash and the layout of each method and error instead\n"
	"      --seal          judge a plug-in; prints the notes unless -o is given\n"
	"      --allow-globals let its static data be, and write no note of that\n"
	"      --sdk           print what functions a worker has for plug-ins\n"
	"      --help          print this\n"
	"      --version       print the version\n";

struct gen_command {
	const char *input;
	const char *output;
	bool layout;
	bool seal;
	bool allow_globals;
	struct gen_options gen;
};

static int fail(const char *path, const char *what, int error)
{
	fprintf(stderr, "troupe-gen: %s: %s: %s\n", path, what, strerror(-error));
	return EXIT_FAILURE;
}

/* A file's bytes; of one that has more than `limit`, only that it has: *ret_size. */
static int read_file(const char *path, size_t limit, char **ret_text, size_t *ret_size)
{
	cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : io_fd_read(fd, limit, ret_text, ret_size);

	if (r != -EFBIG)
		return r;
	*ret_size = limit + 1;
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

/* Devices and pipes are written to; renaming a file over them would do away with them. A file
 * is replaced by a new one in one step: who reads it meanwhile sees the old or the new text. */
static int write_file(const char *path, const char *text, size_t size)
{
	cleanup_free char *temporary = NULL;
	cleanup_close int fd = -1;
	struct stat status;
	mode_t mask = umask(0);
	int r;

	umask(mask);
	if ((stat(path, &status) < 0 || S_ISREG(status.st_mode)) &&
	    asprintf(&temporary, "%s.XXXXXX", path) < 0) {
		temporary = NULL;
		return -ENOMEM;
	}
	fd = temporary ? mkostemp(temporary, O_CLOEXEC) : open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, size);
	if (r == 0 && temporary &&
	    (fchmod(fd, 0666 & ~mask) < 0 || rename(temporary, path) < 0))
		r = -errno;
	if (r < 0 && temporary)
		unlink(temporary);
	return r;
}

/* To a file, or to the standard output. */
static int put(const char *path, const char *text, size_t size)
{
	int r = path ? write_file(path, text, size) : write_all(STDOUT_FILENO, text, size);

	return r < 0 ? fail(path ? path : "standard output", "cannot write", r) : EXIT_SUCCESS;
}

/* The interface is right, and yet not for everybody. */
static void warn_of_subset(const struct gen_command *arguments, const struct idl *idl)
{
	struct idl_error error;

	if (!arguments->gen.host && idl_subset_check(idl, &error) < 0)
		fprintf(stderr,
			"%s:%u:%u: warning: %s: varlinkctl of systemd 257 cannot read the "
			"interface\n",
			arguments->input, error.line, error.column, error.message);
}

static int translate(const struct gen_command *arguments)
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
		if (!arguments->layout)
			warn_of_subset(arguments, idl);
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
		size = strlen(text);
	return put(arguments->layout ? NULL : arguments->output, text, size);
}

static void print_offender(void *context, const struct seal_offender *offender)
{
	const struct gen_command *arguments = (const struct gen_command *)context;

	fprintf(stderr, "%s: %s%s%s (%" PRIu64 " bytes in %s) is writable static data\n",
		arguments->input, offender->symbol ? "'" : "",
		offender->symbol ? offender->symbol : "something without a symbol",
		offender->symbol ? "'" : "", offender->size, offender->section);
}

static const char *explain(int error)
{
	switch (error) {
	case -ENOEXEC:
		return "not a shared object of this machine";
	case -EBADMSG:
		return "a malformed shared object";
	case -ENODATA:
		return "it was stripped of its symbols; seal it before";
	case -EFBIG:
		return "more than 4 GiB of writable data";
	default:
		return strerror(-error);
	}
}

/* The note of its static data; "" where that is not judged. */
static int seal_data(const struct gen_command *arguments, const char *file, size_t size,
		     char **ret_note)
{
	struct seal seal;
	int r;

	if (arguments->allow_globals) {
		*ret_note = strdup("");
		return *ret_note ? EXIT_SUCCESS
				 : fail(arguments->input, "cannot judge", -ENOMEM);
	}
	r = seal_judge(file, size, print_offender, (void *)(uintptr_t)arguments, &seal);
	if (r == -EPERM) {
		fprintf(stderr,
			"%s: all actors of a worker would share it: keep it in the actor's "
			"state "
			"struct, or make it const. At your own risk: ALLOW_GLOBALS = yes in "
			"the "
			"plug-in's Makefile and AllowGlobals=yes in its unit.\n",
			arguments->input);
		return EXIT_FAILURE;
	}
	if (r < 0) {
		fprintf(stderr, "%s: %s\n", arguments->input, explain(r));
		return EXIT_FAILURE;
	}
	if (asprintf(ret_note, "TROUPE_NOTE_SEAL(%" PRIu32 ", %" PRIu32 ")\n", seal.writable,
		     seal.tls) < 0) {
		*ret_note = NULL;
		return fail(arguments->input, "cannot judge", -ENOMEM);
	}
	return EXIT_SUCCESS;
}

static int seal(const struct gen_command *arguments)
{
	cleanup_free char *file = NULL;
	cleanup_free char *text = NULL;
	cleanup_free char *data = NULL;
	cleanup_free char *tables = NULL;
	char why[PLUGIN_WHY_MAX];
	size_t size;
	int r;

	r = read_file(arguments->input, PLUGIN_FILE_MAX, &file, &size);
	if (r < 0)
		return fail(arguments->input, "cannot read", r);
	if (size > PLUGIN_FILE_MAX)
		return fail(arguments->input, "cannot read", -EFBIG);
	if (seal_data(arguments, file, size, &data) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	if (plugin_describe(file, size, &tables, why) < 0) {
		fprintf(stderr, "%s: %s\n", arguments->input, why);
		return EXIT_FAILURE;
	}
	if (asprintf(&text,
		     "/* The seal of a plug-in: made by troupe-gen, do not edit. */\n"
		     "#include <troupe/note.h>\n\n%s%s",
		     data, tables) < 0) {
		text = NULL;
		return fail(arguments->input, "cannot judge", -ENOMEM);
	}
	return put(arguments->output, text, strlen(text));
}

static int print_sdk(void)
{
	for (unsigned i = 0; sdk_symbol(i); i++)
		puts(sdk_symbol(i));
	return fflush(stdout) == 0 ? EXIT_SUCCESS : fail("stdout", "cannot write", -errno);
}

static int complain(const char *message)
{
	fprintf(stderr, "troupe-gen: %s\nTry 'troupe-gen --help'.\n", message);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	/* But for -o, the letters are no options. */
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"host", no_argument, NULL, 'H'},
		{"prefix", required_argument, NULL, 'p'},
		{"layout", no_argument, NULL, 'l'},
		{"seal", no_argument, NULL, 's'},
		{"allow-globals", no_argument, NULL, 'g'},
		{"sdk", no_argument, NULL, 'S'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct gen_command arguments = {0};
	int option;

	while ((option = getopt_long(argc, argv, "o:", options, NULL)) >= 0) {
		switch (option) {
		case 'o':
			arguments.output = optarg;
			break;
		case 'H':
			arguments.gen.host = true;
			break;
		case 'p':
			arguments.gen.prefix = optarg;
			break;
		case 'l':
			arguments.layout = true;
			break;
		case 's':
			arguments.seal = true;
			break;
		case 'g':
			arguments.allow_globals = true;
			break;
		case 'S':
			return print_sdk();
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("troupe-gen " TROUPE_VERSION);
			return EXIT_SUCCESS;
		default:
			fputs("Try 'troupe-gen --help'.\n", stderr);
			return EXIT_FAILURE;
		}
	}
	if (optind + 1 != argc)
		return complain("give one file to read");
	if (arguments.layout && arguments.seal)
		return complain("give --layout or --seal, not both");
	if (!arguments.layout && !arguments.seal && !arguments.output)
		return complain("say with -o where to write");
	arguments.input = argv[optind];
	return arguments.seal ? seal(&arguments) : translate(&arguments);
}
