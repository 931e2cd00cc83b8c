/* gen_model.h - an interface as the generator sees it: every type of C that it needs, with its
 * name.
 *
 * The model borrows the idl and owns the rest in its arena. Used by the generator only.
 */
#ifndef PROTO_GEN_MODEL_H
#define PROTO_GEN_MODEL_H

#include "proto/arena.h"
#include "proto/gen.h"
#include "proto/idl.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <troupe/type.h>

struct gen_type;

struct gen_field {
	const char *name;   /* in the IDL */
	const char *c_name; /* the member, or the enum's constant */
	const char *doc;
	struct gen_type *type; /* NULL: a name of an enum */
};

/* One type of C, with one descriptor. */
struct gen_type {
	struct gen_type *next; /* in the order of the source */
	enum troupe_kind kind;
	const char *stem;       /* its name without the prefix: "config", "config_array" */
	const char *descriptor; /* member of the descriptors: "config_type_" */
	const char *tag;        /* "hello_config"; NULL: no struct or enum of its own */
	const char *entry;      /* MAP: the tag of the entry */
	const char *c; /* what comes before a name to declare it: "int64_t ", "const char *" */
	const char *what; /* for people: "type Config" */
	const char *doc;
	unsigned line;
	bool visible; /* its descriptor has a name in C: not one of the SDK's kinds */
	struct gen_field *fields;
	size_t n_fields;
	struct gen_type *item;
	/* What is made of this one; NULL: nothing so far. */
	struct gen_type *array, *map, *optional;
	bool written, entry_written; /* by the writer of structs */
	struct troupe_type made;     /* the descriptor, but for names and items' places */
};

struct gen_member {
	const struct idl_member *idl;
	const char *stem; /* "hello_greet" */
	const char
		*c_name; /* "greet": as a member of a struct, of X_HANDLERS() or of a reply */
	const char *constant; /* "HELLO_GREET" */
	struct gen_type *type;
	struct gen_type *out;        /* methods */
	const char *hash, *out_hash; /* in C: "0x...ull" */
};

/* Where a name counts. */
enum gen_space {
	/* everywhere: descriptors are macros, which the preprocessor puts in for any token */
	GEN_MACRO,
	GEN_TAG,   /* among structs and enums */
	GEN_NAME,  /* among functions, constants, and macros with arguments */
	GEN_FIELD, /* in its own struct */
};

/* A name that the header takes in C. */
struct gen_claim {
	struct gen_claim *next;
	const char *name;
	const char *what;
	unsigned line;
	enum gen_space space;
};

struct gen_model {
	struct arena arena;
	const struct idl *idl;
	bool host;
	const char *prefix; /* "hello" */
	const char *upper;  /* "HELLO" */
	struct gen_type *types;
	struct gen_type **last_type;
	struct gen_type *plain[TROUPE_OPTIONAL + 1]; /* by kind, once used */
	struct gen_type **named;                     /* by member of the idl */
	struct gen_member *methods, *errors;
	size_t n_methods, n_errors;
	struct gen_claim *claims;
	size_t n_claims;
	bool no_memory;          /* for something; the model is of no use then */
	struct gen_type nowhere; /* in place of a type that there was no memory for */
};

/* Build the model. -EINVAL with *ret_error, -ENOMEM; gen_model_fini() in any case. */
int gen_model_init(struct gen_model *model, const struct idl *idl,
		   const struct gen_options *options, struct idl_error *ret_error);
void gen_model_fini(struct gen_model *model);

/* A text in the arena, or "" when there was no memory for it. */
static inline const char *gen_text(struct gen_model *model, const char *text)
{
	model->no_memory |= !text;
	return text ? text : "";
}
#define gen_printf(model, ...) gen_text(model, arena_printf(&(model)->arena, __VA_ARGS__))

/* Take a name, and see, when all are taken, whether one was taken twice. */
void gen_claim(struct gen_model *model, enum gen_space space, const char *name,
	       const char *what, unsigned line);
int gen_claims_check(struct gen_model *model, struct idl_error *ret_error);

/* All names that the members of the interface take besides their structs. */
void gen_claim_members(struct gen_model *model);

/* What declares a pointer to a const value of the type: "const int64_t *". */
const char *gen_pointer_to(struct gen_model *model, const struct gen_type *type);

/* The hash of a type of a member, also written to `listing` unless that is NULL. */
int gen_hash(const struct idl *idl, const struct idl_member *member,
	     const struct idl_type *type, char mark, FILE *listing, uint64_t *ret_hash,
	     struct idl_error *ret_error);

/* Give the types their steps; -ENOMEM. The parts of the descriptors that steps are: members,
 * their content, what closes a type, and that the compiler sees the structs as they were laid
 * out here. And a member of the descriptors that has n items: "STEM_SUFFIX_, "; NULL for
 * none. */
int gen_make_steps(struct gen_model *model);
void gen_write_member(const struct gen_model *model, const char *stem, const char *suffix,
		      size_t n, FILE *out);
void gen_declare_steps(const struct gen_type *type, FILE *out);
void gen_write_steps(const struct gen_model *model, const struct gen_type *type, FILE *out);
void gen_write_step_counts(const struct gen_model *model, const struct gen_type *type,
			   FILE *out);
void gen_write_step_checks(const struct gen_model *model, FILE *out);

/* What the words of a text are of. */
struct gen_fill {
	const struct gen_model *model;
	const struct gen_member *method, *error;
};

/* Write a text in which '$' and a letter stand for a word:
 *
 *   p P I   the prefix, in capitals; the interface
 *   1 2     how many methods, how many errors
 *   s n c   of the method: hello_greet, its name as a member, HELLO_GREET
 *   m t     its name in the IDL; its stem among the descriptors
 *   d o     the descriptors of its input and output
 *   h k     their hashes
 *   S N M T D H   the same of the error
 *
 * What is between "$[" and "$]" is written once for each method, between "$(" and "$)" for each
 * error. */
void gen_fill(const struct gen_fill *fill, const char *text, FILE *out);

/* The parts of the header; errors of `out` are seen when it is closed. */
void gen_write_comment(FILE *out, const char *indent, const char *doc);
void gen_write_string(FILE *out, const char *text);
void gen_write_structs(struct gen_model *model, FILE *out);
void gen_write_descriptors(struct gen_model *model, FILE *out);
void gen_write_calls(struct gen_model *model, FILE *out);
void gen_write_handlers(struct gen_model *model, FILE *out);

#endif
