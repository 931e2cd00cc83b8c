/* loader.h - the plug-ins of one worker: verified, loaded, never unloaded.
 *
 * A loader belongs to its worker and is used in the thread that runs plug-in code; only
 * loader_find_symbol() may be called from any thread and from a signal handler. What is
 * loaded stays until the process ends, whatever becomes of the loader: dlclose() leaves
 * thread-local destructors and other traps behind.
 */
#ifndef PLUGIN_LOADER_H
#define PLUGIN_LOADER_H

#include "proto/plugin_info.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/actor.h>

#define LOADER_PLUGINS_MAX 1024 /* plug-ins in one process; each holds a descriptor */

struct loader;

/* A loaded plug-in; lives as long as its loader. */
struct plugin {
	char *name;      /* for people: the file's name without its directory, "hello.so" */
	uint32_t number; /* of its user */
	struct plugin_info *info;
	const struct troupe_actor **tables; /* info->n_actors, in the order of info->actors */
	uintptr_t base;                     /* where it lies: [base, end) */
	uintptr_t end;
	/* What is added to its file's addresses: base, but for a gap before its first
	 * segment. */
	uintptr_t bias;
	struct plugin_symbols *symbols; /* its functions; see plugin_symbols.h */
	struct plugin *next;            /* loaded before this one */
	int fd;                         /* of its file; open for ever, see loader.c */
	char path[48]; /* under which the dynamic linker knows it, with that descriptor in it */
};

/* *ret_loader is given. -ENOMEM. */
int loader_new(struct loader **ret_loader);
/* Forget the plug-ins; their code stays mapped. NULL is fine. */
void loader_free(struct loader *loader);

/* Load the plug-in in `fd`, a sealed memfd, which is taken, on failure too. name: borrowed;
 * it and the number are kept for those who ask what code lies where.
 * flags: PLUGIN_ALLOW_GLOBALS. *ret_plugin is borrowed from the loader. Constructors of the
 * plug-in's libraries, and of C++ objects of its own, run here. why: PLUGIN_WHY_MAX bytes,
 * filled in on any failure with a text for people.
 * -EPERM: not a sealed memfd; -ENOEXEC, -E2BIG: as plugin_info_read(), or the dynamic linker
 * refuses it, or an actor type's table is missing or malformed (its code stays mapped then);
 * -ENOMEM; -EMFILE: LOADER_PLUGINS_MAX. */
int loader_load(struct loader *loader, int fd, const char *name, uint32_t number,
		unsigned flags, struct plugin **ret_plugin, char *why);

/* The function that holds a code address, static ones too where the plug-in was not
 * stripped. The texts are borrowed from the loader: "" for an address in a plug-in but in no
 * function known. */
struct loader_symbol {
	const char *plugin;   /* "hello.so" */
	uint32_t number;      /* of the plug-in */
	uint64_t address;     /* as in the plug-in's file */
	const char *function; /* "on_greet" */
	uintptr_t
		offset; /* of the address in the function; in the plug-in when function is "" */
};

/* false: the address is in no plug-in, nor in one that is being loaded, whose constructors run.
 * Async-signal-safe, or as good as: no memory, bounded time, no lock but the linker's, which is
 * recursive, while a plug-in is being loaded. */
bool loader_find_symbol(struct loader *loader, uintptr_t address,
			struct loader_symbol *ret_symbol);

#endif
