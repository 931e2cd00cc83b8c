/* plugin_info.h - what a plug-in's notes say, read from its file without running any of
 * its code.
 *
 * The file is hostile input: every number in it is checked before it is used, every list has
 * a limit. A plugin_info belongs to its caller and owns copies of all it holds; the file may
 * be unmapped afterwards. Pure: no log, any process and thread. Used by the master before it
 * passes a plug-in on, by the worker's loader before it loads one, and by `troupectl
 * inspect`.
 */
#ifndef PROTO_PLUGIN_INFO_H
#define PROTO_PLUGIN_INFO_H

#include "proto/arena.h"
#include "proto/idl.h"
#include "proto/layout.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/actor.h>

#define PLUGIN_FILE_MAX       (256u << 20) /* bytes of a plug-in's file */
#define PLUGIN_ACTORS_MAX     256          /* actor types in one plug-in */
#define PLUGIN_INTERFACES_MAX 256          /* interfaces it speaks or implements */
#define PLUGIN_NEEDED_MAX     64           /* shared libraries it is linked to */
#define PLUGIN_NOTES_MAX      4096         /* notes, of all kinds together */
#define PLUGIN_NOTES_BYTES    (8u << 20)   /* and their bytes: interfaces are text */
#define PLUGIN_WHY_MAX        512          /* bytes of a refusal's text, with its NUL */

struct plugin_interface {
	const char *name;        /* "io.troupe.hello" */
	const char *description; /* the IDL text, valid Varlink */
	struct idl *idl;         /* the same, parsed */
	/* Some actor type of the plug-in has handlers for it; else it is only called. */
	bool is_implemented;
};

#define PLUGIN_DESCRIPTION_MAX 255 /* bytes of an actor type's description */

/* An actor type, as the notes say. The worker's loader sees to it that its table says the
 * same. */
struct plugin_actor {
	const char *name; /* "hello"; its table is the symbol troupe_actor_hello */
	uint16_t abi_major, abi_minor;
	bool is_described;       /* a note says what follows */
	const char *description; /* one line for people; NULL: none */
	/* The names of those that it has handlers for, of the info, in the order of its
	 * table. */
	const char *interfaces[TROUPE_INTERFACES_MAX];
	size_t n_interfaces;
	/* What its [Config] section may hold, a STRUCT; NULL: it takes no configuration. */
	const struct troupe_type *config;
	struct layout *config_layout; /* which owns it */
	/* Where an interface declares that type ("Config"). NULL: none does; then there is no
	 * documentation of it, and there are no names of types in it. */
	const struct plugin_interface *config_interface;
	const struct idl_member *config_member;
};

struct plugin_info {
	struct arena memory;           /* of what belongs to nothing else here */
	uint16_t abi_major, abi_minor; /* of its newest actor type */
	struct plugin_actor *actors;   /* in the order of their names */
	size_t n_actors;
	/* Every interface whose generated header the plug-in includes, in the order of their
	 * names. */
	struct plugin_interface *interfaces;
	size_t n_interfaces;
	char **needed; /* "libc.so.6", in the order of the file */
	size_t n_needed;
	/* Bytes of static data that stay writable, and of each thread's own; and what the
	 * seal allows: that of the C, C++ and sanitizers' run-time libraries, none of the
	 * plug-in's own. */
	uint64_t writable, writable_allowed;
	uint64_t tls, tls_allowed;
	bool is_sealed; /* linked by plugin.mk, which judged the writable data by symbol */
};

#define PLUGIN_ALLOW_GLOBALS                                                                   \
	1u /* AllowGlobals=yes: writable static data is the author's own risk */

/* Its notes alone, none of which says what the tables hold: of a plug-in that is being
 * linked. */
#define PLUGIN_UNDESCRIBED 2u

/* Read the plug-in whose file is `file`, `size` bytes. *ret_info is given. why:
 * PLUGIN_WHY_MAX bytes, filled in when the plug-in is refused, with a text for the person
 * who deploys it.
 * -ENOEXEC: it is refused: not ELF, not a shared object of this machine, no actor types in
 * it, an ABI that is not this host's, a malformed note, none that says what the table of an
 * actor type holds, an interface that is not valid
 * Varlink or is the host's own, RPATH, RUNPATH, TEXTREL, DT_AUDIT and its like, an executable
 * stack, a library needed by path, an undefined troupe_ symbol that this host's SDK lacks, or
 * (without PLUGIN_ALLOW_GLOBALS) writable static data beyond what its seal allows. -E2BIG: over
 * a limit. -ENOMEM. */
int plugin_info_read(const void *file, size_t size, unsigned flags,
		     struct plugin_info **ret_info, char *why);

/* The same for a descriptor of a regular file or memfd, borrowed. The file must not change
 * meanwhile: a sealed memfd, or a file that only its owner, who is trusted, can write. Also
 * errno of fstat() and mmap(). */
int plugin_info_read_fd(int fd, unsigned flags, struct plugin_info **ret_info, char *why);

/* NULL is fine. */
void plugin_info_free(struct plugin_info *info);
static inline void plugin_info_cleanup(struct plugin_info **info)
{
	plugin_info_free(*info);
}

#endif
