/* idl.h - a Varlink interface as it was written: parsed, checked, every name resolved.
 *
 * An idl owns everything it points to, the source text included; nothing changes it after
 * parsing. Pure: no files, no log, any process and thread. Used by troupe-gen, by the master
 * (descriptions that workers send are hostile input) and by troupectl (introspect).
 */
#ifndef PROTO_IDL_H
#define PROTO_IDL_H

#include <stddef.h>
#include <stdint.h>
#include <troupe/type.h>

#define IDL_TEXT_MAX    (1u << 20) /* bytes of source */
#define IDL_MEMBERS_MAX 1024       /* types, methods and errors together */
#define IDL_FIELDS_MAX  256        /* of one struct, or names of one enum */
#define IDL_DEPTH_MAX   32         /* nesting of anonymous types */
#define IDL_NAME_MAX    255        /* bytes of an interface's name; of a member or field: 63 */

struct idl_member;
struct idl_type;

struct idl_field {
	char *name;
	char *doc; /* the comment lines before it, without "#" and one blank; NULL: none */
	struct idl_type *type; /* NULL: a name of an enum */
};

/* kinds as in <troupe/type.h>; the marks "troupe: binary" and "troupe: address" have already
 * turned a string into TROUPE_BINARY or TROUPE_ADDRESS (below ?, [] and maps too: `?[]string`
 * marked is an optional array of them). */
struct idl_type {
	enum troupe_kind kind;
	struct idl_type *item; /* ARRAY, MAP, OPTIONAL */
	const struct idl_member
		*named; /* the `type` member this is a reference to; then fields is NULL */
	struct idl_field *fields; /* STRUCT, ENUM written in place */
	size_t n_fields;
};

enum idl_member_kind { IDL_TYPE, IDL_METHOD, IDL_ERROR };

struct idl_member {
	enum idl_member_kind kind;
	char *name;
	char *doc;
	struct idl_type
		*type; /* TYPE: STRUCT or ENUM. ERROR: STRUCT. METHOD: STRUCT of the input */
	struct idl_type *out; /* METHOD */
	unsigned line;
};

struct idl {
	char *name; /* "io.troupe.hello" */
	char *doc;
	char *text;                 /* the source, as given */
	struct idl_member *members; /* in order of the source */
	size_t n_members;
};

struct idl_error {
	unsigned line;     /* from 1 */
	unsigned column;   /* from 1, in bytes */
	char message[160]; /* "expected a type, found ')'"; says what was expected */
};

/* Parse the whole grammar of Varlink's IDL. Checks also that names are unique (fields in a
 * struct, names in an enum, members in the interface), that references resolve, and that types
 * recurse only through ?, [] and maps. *ret_idl is given. -EINVAL with *ret_error filled in;
 * -ENOMEM. text need not end in NUL. */
int idl_parse(const char *text, size_t size, struct idl **ret_idl, struct idl_error *ret_error);
void idl_free(struct idl *idl);

const struct idl_member *idl_find(const struct idl *idl, const char *name); /* NULL: none */

/* Whether text is a valid interface name ("io.troupe.hello"). */
int idl_is_interface_name(const char *text, size_t size);

#endif
