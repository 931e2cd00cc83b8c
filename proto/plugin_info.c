#include "proto/plugin_info.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/elf.h"
#include "base/text.h"
#include "proto/abi.h"
#include "proto/layout.h"
#include "proto/plugin_types.h"
#include "proto/sdk_symbols.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <troupe/actor.h>

/* A plug-in being read. */
struct plugin_reader {
	struct elf elf;
	unsigned flags;
	struct plugin_info *info;
	char *why; /* PLUGIN_WHY_MAX bytes */
};

#define refuse(reader, ...) plugin_types_refuse((reader)->why, NULL, __VA_ARGS__)

static int refuse_size(struct plugin_reader *reader, size_t limit, const char *what)
{
	refuse(reader, "it has more than %zu %s", limit, what);
	return -E2BIG;
}

static bool is_identifier(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char all[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	size_t length = strlen(text);

	return length > 0 && length <= TROUPE_NAME_MAX && strchr(letters, text[0]) &&
	       strspn(text, all) == length;
}

/* The string that begins at `at` of a note's content, and must end in it. */
static const char *note_string(const struct elf_note *note, size_t at)
{
	const char *content = note->content;

	if (at >= note->size || !memchr(content + at, '\0', note->size - at))
		return NULL;
	return content + at;
}

static int read_actor(struct plugin_reader *reader, const struct elf_note *note)
{
	struct plugin_info *info = reader->info;
	const char *name = note_string(note, 4);
	uint16_t abi[2];

	if (!name || !is_identifier(name))
		return refuse(reader, "its note of an actor type is malformed");
	memcpy(abi, note->content, sizeof(abi));
	if (!abi_takes(abi[0], abi[1]))
		return refuse(reader,
			      "actor type \"%s\" was built for ABI %u.%u, this host has %u.%u",
			      name, abi[0], abi[1], TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR);
	for (size_t i = 0; i < info->n_actors; i++)
		if (strcmp(info->actors[i].name, name) == 0)
			return refuse(reader, "it has two actor types \"%s\"", name);
	if (info->n_actors == PLUGIN_ACTORS_MAX)
		return refuse_size(reader, PLUGIN_ACTORS_MAX, "actor types");

	struct plugin_actor *actor = array_add(&info->actors, &info->n_actors, sizeof(*actor));
	if (!actor)
		return -ENOMEM;
	actor->abi_major = abi[0];
	actor->abi_minor = abi[1];
	actor->name = arena_copy(&info->memory, name, strlen(name));
	if (abi[1] > info->abi_minor)
		info->abi_minor = abi[1];
	info->abi_major = abi[0];
	return actor->name ? 0 : -ENOMEM;
}

static struct plugin_interface *find_interface(struct plugin_info *info, const char *name)
{
	for (size_t i = 0; i < info->n_interfaces; i++)
		if (strcmp(info->interfaces[i].name, name) == 0)
			return &info->interfaces[i];
	return NULL;
}

/* Parse the text of an interface, which must be valid, and of that name. */
static int parse_description(struct plugin_reader *reader, const char *name, const char *text,
			     struct idl **ret_idl)
{
	struct idl *idl = NULL;
	struct idl_error error;

	int r = idl_parse(text, strlen(text), &idl, &error);
	if (r == -EINVAL)
		return refuse(reader, "interface %s is not valid: line %u, column %u: %s", name,
			      error.line, error.column, error.message);
	if (r < 0)
		return r;
	if (strcmp(idl->name, name) != 0) {
		idl_free(idl);
		return refuse(reader, "its note of interface %s describes another one", name);
	}
	*ret_idl = idl;
	return 0;
}

static int read_interface(struct plugin_reader *reader, const struct elf_note *note)
{
	struct plugin_info *info = reader->info;
	const char *name = note_string(note, 0);
	const char *text = name ? note_string(note, strlen(name) + 1) : NULL;

	if (!text || !idl_is_interface_name(name, strlen(name)))
		return refuse(reader, "its note of an interface is malformed");
	const struct plugin_interface *known = find_interface(info, name);
	if (known && strcmp(known->description, text) != 0)
		return refuse(reader, "it was built with two versions of interface %s", name);
	if (known)
		return 0;
	if (info->n_interfaces == PLUGIN_INTERFACES_MAX)
		return refuse_size(reader, PLUGIN_INTERFACES_MAX, "interfaces");
	struct idl *idl = NULL;
	int r = parse_description(reader, name, text, &idl);
	if (r < 0)
		return r;

	struct plugin_interface *interface =
		array_add(&info->interfaces, &info->n_interfaces, sizeof(*interface));
	if (!interface) {
		idl_free(idl);
		return -ENOMEM;
	}
	*interface = (struct plugin_interface){idl->name, idl->text, idl, false};
	return 0;
}

static int read_seal(struct plugin_reader *reader, const struct elf_note *note)
{
	struct plugin_info *info = reader->info;
	uint32_t allowed[2];

	if (info->is_sealed || note->size < sizeof(allowed))
		return refuse(reader, "its seal is malformed");
	memcpy(allowed, note->content, sizeof(allowed));
	info->writable_allowed = allowed[0];
	info->tls_allowed = allowed[1];
	info->is_sealed = true;
	return 0;
}

/* Notes refer to one another, in any order. */
enum pass {
	PASS_NAMES,
	PASS_TABLES, /* when actor types and interfaces are in order */
};

static int read_note(struct plugin_reader *reader, const struct elf_note *note, enum pass pass)
{
	if (pass == PASS_TABLES)
		return note->type == TROUPE_NOTE_TYPE_TABLE
			       ? plugin_types_take(reader->info, note->content, note->size,
						   reader->why)
			       : 0;
	switch (note->type) {
	case TROUPE_NOTE_TYPE_ACTOR:
		return read_actor(reader, note);
	case TROUPE_NOTE_TYPE_INTERFACE:
		return read_interface(reader, note);
	case TROUPE_NOTE_TYPE_SEAL:
		return read_seal(reader, note);
	}
	/* Of a later minor version, or for a later pass. */
	return 0;
}

static int read_notes(struct plugin_reader *reader, enum pass pass)
{
	struct elf_note note = {0};
	size_t n = 0, bytes = 0;
	int r;

	while ((r = elf_next_note(&reader->elf, TROUPE_NOTE_OWNER, &note)) > 0) {
		bytes += note.size;
		if (++n > PLUGIN_NOTES_MAX)
			return refuse_size(reader, PLUGIN_NOTES_MAX, "notes");
		if (bytes > PLUGIN_NOTES_BYTES)
			return refuse_size(reader, PLUGIN_NOTES_BYTES, "bytes of notes");
		r = read_note(reader, &note, pass);
		if (r < 0)
			return r;
	}
	return r < 0 ? refuse(reader, "its notes are malformed") : 0;
}

static int read_needed(struct plugin_reader *reader)
{
	struct plugin_info *info = reader->info;

	for (size_t i = 0; i < reader->elf.dynamic.count; i++) {
		const char *name;
		int r = elf_needed(&reader->elf, i, &name);

		if (r == 0)
			continue;
		if (r < 0 || strlen(name) > NAME_MAX)
			return refuse(reader, "its list of libraries is malformed");
		/* "$ORIGIN" and its like become paths. */
		if (strpbrk(name, "/$"))
			return refuse(reader, "it needs the library %s by its path", name);
		if (info->n_needed == PLUGIN_NEEDED_MAX)
			return refuse_size(reader, PLUGIN_NEEDED_MAX, "libraries");
		if (texts_add(&info->needed, &info->n_needed, name) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A program that may lie anywhere is a shared object as well, but for one flag. */
static bool is_program(const struct elf *elf)
{
	for (size_t i = 0; i < elf->dynamic.count; i++) {
		Elf64_Dyn entry;

		memcpy(&entry, elf->dynamic.at + i * elf->dynamic.stride, sizeof(entry));
		if (entry.d_tag == DT_FLAGS_1 && entry.d_un.d_val & DF_1_PIE)
			return true;
	}
	return false;
}

static int check_wishes(struct plugin_reader *reader)
{
	struct elf_wishes wishes;

	elf_wishes(&reader->elf, &wishes);
	if (wishes.rpath)
		return refuse(reader, "it has a search path for libraries of its own (RPATH or "
				      "RUNPATH): link it without -rpath");
	if (wishes.textrel)
		return refuse(reader,
			      "its code needs relocation (TEXTREL): compile it with -fPIC");
	if (wishes.meddling)
		return refuse(reader,
			      "it asks the dynamic linker to meddle with other objects' "
			      "symbols (%s): "
			      "link it without",
			      wishes.meddling);
	if (wishes.executable_stack)
		return refuse(reader,
			      "it asks for an executable stack: link it with -z noexecstack");
	return 0;
}

/* Functions that are to come from this host but do not exist here: the dynamic linker would
 * refuse them as well, but without the reason. */
static int check_symbols(struct plugin_reader *reader)
{
	for (size_t i = 0; i < reader->elf.symbols[ELF_DYNAMIC_SYMBOLS].count; i++) {
		const char *name;
		Elf64_Sym symbol;

		if (elf_symbol(&reader->elf, ELF_DYNAMIC_SYMBOLS, i, &symbol, &name) < 0)
			return refuse(reader, "its table of symbols is malformed");
		if (symbol.st_shndx != SHN_UNDEF ||
		    ELF64_ST_BIND(symbol.st_info) != STB_GLOBAL ||
		    strncmp(name, SDK_SYMBOL_PREFIX, strlen(SDK_SYMBOL_PREFIX)) != 0 ||
		    sdk_has_symbol(name))
			continue;
		return refuse(reader,
			      "it needs %s, which this host's SDK (%u.%u) does not have", name,
			      TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR);
	}
	return 0;
}

static int check_writable(struct plugin_reader *reader)
{
	struct plugin_info *info = reader->info;

	elf_writable(&reader->elf, &info->writable, &info->tls);
	if (reader->flags & PLUGIN_ALLOW_GLOBALS)
		return 0;
	if (info->writable <= info->writable_allowed && info->tls <= info->tls_allowed)
		return 0;
	if (!info->is_sealed)
		return refuse(reader,
			      "it has %llu bytes of writable static data and no seal that says "
			      "whose: "
			      "build it with plugin.mk, or set AllowGlobals=yes",
			      (unsigned long long)(info->writable + info->tls));
	return refuse(
		reader,
		"it has %llu bytes of writable static data and %llu of each thread's own, its "
		"seal allows %llu and %llu: build it with plugin.mk, or set AllowGlobals=yes",
		(unsigned long long)info->writable, (unsigned long long)info->tls,
		(unsigned long long)info->writable_allowed,
		(unsigned long long)info->tls_allowed);
}

/* Why a file is not what elf_init() takes. */
static const char *explain_elf(const void *file, size_t size, int r)
{
	const unsigned char *ident = file;
	Elf64_Ehdr head;

	if (size < EI_NIDENT || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return "it is not an ELF file";
	if (ident[EI_CLASS] != ELFCLASS64)
		return "it is not a 64-bit ELF file";
	if (size < sizeof(head))
		return "it is cut off";
	memcpy(&head, file, sizeof(head));
	if (head.e_type == ET_REL)
		return "it was not linked: link it with -shared";
	if (head.e_type == ET_EXEC)
		return "it is a program, not a shared object: link it with -shared";
	if (head.e_type != ET_DYN)
		return "it is not a shared object: link it with -shared";
	return r == -EBADMSG ? "its ELF tables are malformed or cut off"
			     : "it was built for another kind of machine";
}

static int read_plugin(struct plugin_reader *reader, const void *file, size_t size)
{
	struct plugin_info *info = reader->info;
	int r;

	if (size > PLUGIN_FILE_MAX) {
		refuse(reader, "its file is larger than %u MiB", PLUGIN_FILE_MAX >> 20);
		return -E2BIG;
	}
	r = elf_init(file, size, &reader->elf);
	if (r < 0)
		return refuse(reader, "%s", explain_elf(file, size, r));
	if (is_program(&reader->elf))
		return refuse(reader,
			      "it is a program, not a shared object: link it with -shared");
	r = read_notes(reader, PASS_NAMES);
	if (r < 0)
		return r;
	if (info->n_actors == 0 && !(reader->flags & PLUGIN_UNDESCRIBED))
		return refuse(reader, "it is no plug-in of Troupe: no TROUPE_ACTOR() is in it");
	if (info->n_actors > 0)
		qsort(info->actors, info->n_actors, sizeof(*info->actors),
		      plugin_types_compare);
	if (info->n_interfaces > 0)
		qsort(info->interfaces, info->n_interfaces, sizeof(*info->interfaces),
		      plugin_types_compare);
	if (reader->flags & PLUGIN_UNDESCRIBED)
		return 0;
	r = read_needed(reader);
	if (r == 0)
		r = check_wishes(reader);
	if (r == 0)
		r = check_symbols(reader);
	if (r == 0)
		r = check_writable(reader);
	/* Last, so that the plainer reasons to refuse it come first. */
	if (r == 0)
		r = read_notes(reader, PASS_TABLES);
	return r < 0 ? r : plugin_types_check(info, reader->why);
}

int plugin_info_read(const void *file, size_t size, unsigned flags,
		     struct plugin_info **ret_info, char *why)
{
	struct plugin_reader reader = {.flags = flags, .why = why};

	snprintf(why, PLUGIN_WHY_MAX, "out of memory");
	reader.info = calloc(1, sizeof(*reader.info));
	if (!reader.info)
		return -ENOMEM;
	arena_init(&reader.info->memory);
	int r = read_plugin(&reader, file, size);
	if (r < 0) {
		/* It names what is in the file, which may be anything. */
		text_make_utf8(why);
		plugin_info_free(reader.info);
		return r;
	}
	why[0] = '\0';
	*ret_info = reader.info;
	return 0;
}

int plugin_info_read_fd(int fd, unsigned flags, struct plugin_info **ret_info, char *why)
{
	struct stat status;
	int r;

	if (fstat(fd, &status) < 0)
		goto fail;
	if (!S_ISREG(status.st_mode)) {
		snprintf(why, PLUGIN_WHY_MAX, "it is not a regular file");
		return -ENOEXEC;
	}
	/* mmap() refuses an empty file with a text that helps nobody. */
	if (status.st_size == 0)
		return plugin_info_read("", 0, flags, ret_info, why);
	size_t size = (size_t)status.st_size;
	void *file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file == MAP_FAILED)
		goto fail;
	r = plugin_info_read(file, size, flags, ret_info, why);
	munmap(file, size);
	return r;
fail:
	r = -errno;
	snprintf(why, PLUGIN_WHY_MAX, "it cannot be read: %s", strerror(-r));
	return r;
}

void plugin_info_free(struct plugin_info *info)
{
	if (!info)
		return;
	for (size_t i = 0; i < info->n_interfaces; i++)
		idl_free(info->interfaces[i].idl);
	for (size_t i = 0; i < info->n_actors; i++)
		layout_free(info->actors[i].config_layout);
	free(info->actors);
	free(info->interfaces);
	texts_free(info->needed, info->n_needed);
	arena_fini(&info->memory);
	free(info);
}
