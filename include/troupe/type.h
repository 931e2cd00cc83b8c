/* type.h - what a typed message looks like: the const descriptors that troupe-gen writes.
 *
 * A plug-in author meets these only through generated headers. The runtime reads them to copy,
 * check, convert and print messages. All of it is const data of the plug-in (or of the host)
 * and lives as long as the process; any thread may read it.
 *
 * What others point to (types, methods, errors, interfaces) begins with its size and may grow
 * at its end in a later minor version; the elements of arrays (fields, steps, words) never
 * change. The host reads these where they are, and what a smaller one lacks as zero:
 * docs/abi.md.
 *
 * How a Varlink type looks in C, on a 64-bit machine:
 *
 *   bool            bool
 *   int             int64_t
 *   float           double; finite (JSON has no other)
 *   string          const char *; UTF-8, never NULL
 *   object          const char *; the text of a JSON value, mostly an object; never NULL
 *   enum            a generated enum type of 4 bytes, values from 0 in the order of the IDL
 *   struct          a generated struct, members in the order of the IDL
 *   []T             a generated struct { const T *items; size_t count; }
 *   [string]T       a generated struct { const ENTRY *items; size_t count; }, ENTRY being
 *                   { const char *key; T value; }; sorted by key (bytewise), no key twice
 *   ?string ?object const char *, NULL when absent
 *   ?T              const T *, NULL when absent
 *   string marked   "troupe: binary" in the comment before it: struct troupe_binary
 *   string marked   "troupe: address": struct troupe_address
 *   ()              a struct without fields: its descriptor has size 0, no byte of it is read
 *
 * In memory a message is one flat block: the struct, then what its pointers reach, in
 * depth-first order of the fields, each pointee aligned to its type's alignment, the gaps zero.
 */
#ifndef TROUPE_TYPE_H
#define TROUPE_TYPE_H

#include <stddef.h>
#include <stdint.h>
#include <troupe/address.h>

#ifdef __cplusplus
#define TROUPE_STATIC_ASSERT(condition, text) static_assert(condition, text)
extern "C" {
#else
#define TROUPE_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

/* Offsets take a pointer's place between processes, and binaries, arrays and maps are one
 * shape. */
TROUPE_STATIC_ASSERT(sizeof(void *) == 8 && sizeof(size_t) == 8, "a 64-bit machine");

/* Bytes of any content. In JSON: base64. data may be NULL when size is 0. */
struct troupe_binary {
	const void *data;
	size_t size;
};

enum troupe_kind {
	TROUPE_BOOL = 1,
	TROUPE_INT,
	TROUPE_FLOAT,
	TROUPE_STRING,
	TROUPE_BINARY,
	TROUPE_ADDRESS,
	TROUPE_OBJECT,
	TROUPE_ENUM,
	TROUPE_STRUCT,
	TROUPE_ARRAY,
	TROUPE_MAP,
	TROUPE_OPTIONAL,
};

/* The type holds no pointer and no padding, and every bit pattern of it is a valid value: int,
 * address, and structs of these alone. Its values are copied whole and need no check. */
#define TROUPE_TYPE_PLAIN 1u
/* The type is a struct with steps. */
#define TROUPE_TYPE_STEPS 2u
/* The type is a struct, plain or with steps, of whole words and at most TROUPE_QUICK_SIZE
 * bytes, with pointers to at most TROUPE_QUICK_POINTEES texts, arrays and other values: what
 * most messages are. */
#define TROUPE_TYPE_QUICK 4u

#define TROUPE_QUICK_SIZE     256
#define TROUPE_QUICK_POINTEES 16

struct troupe_type;

/* Eight bytes of a struct that are not all free to be anything: bools, enums, gaps. With `x`
 * for what is there, less the bits that `keep` lacks, the value is wrong when (x | (x +
 * add)) & bad is not zero: `add` makes what is out of range reach the highest bit of its
 * field, if it does not have it already. The last word of a struct may reach beyond it; that
 * part is taken for zero. */
struct troupe_word {
	uint64_t keep; /* the bytes of fields, all bits */
	uint64_t add;
	uint64_t bad;
	uint32_t offset; /* in the struct with the steps, a multiple of 8 */
	uint32_t reserved;
};

/* What a struct's pointers reach. */
enum troupe_step_kind {
	TROUPE_STEP_TEXT = 1,      /* the texts of `count` strings that are side by side */
	TROUPE_STEP_OPTIONAL_TEXT, /* the same, but of those that are NULL */
	TROUPE_STEP_ITEMS,         /* the items, plain ones, of an array of `type` */
	TROUPE_STEP_VALUE,         /* whatever a value of `type` reaches; `count` structs are
				    * around it, from the struct with the steps inwards */
};

struct troupe_step {
	uint16_t kind; /* enum troupe_step_kind */
	uint16_t count;
	uint32_t offset; /* in the struct with the steps, however deep the field is */
	const struct troupe_type *type;
};

struct troupe_field {
	const char *name; /* as in the IDL */
	const struct troupe_type *type;
	uint32_t offset; /* in the struct */
	uint32_t reserved;
};

struct troupe_type {
	uint32_t table_size; /* sizeof(struct troupe_type) where it was made */
	uint8_t kind;        /* enum troupe_kind */
	uint8_t flags;       /* TROUPE_TYPE_* */
	uint16_t align;
	uint32_t size;         /* of the value itself: sizeof of the C type above */
	uint32_t count;        /* STRUCT: fields. ENUM: names. Others: 0 */
	uint32_t stride;       /* ARRAY: size of an item. MAP: size of an entry. Others: 0 */
	uint16_t value_offset; /* MAP: of the value in its entry (the key is at 0) */
	uint16_t entry_align;  /* ARRAY, MAP: alignment of an item or entry */
	const struct troupe_field *fields; /* STRUCT, in the order of the IDL */
	const char *const *names;          /* ENUM */
	const struct troupe_type *item;    /* ARRAY, OPTIONAL: T. MAP: the type of the values */

	/* Only with TROUPE_TYPE_STEPS, all zero with TROUPE_TYPE_QUICK alone. The same as the
	 * fields say, with the structs that the struct holds by value taken apart and all left
	 * out that needs no more than to be moved. */
	const struct troupe_step *steps; /* in the order of the block */
	const struct troupe_word *words;
	const uint32_t *floats; /* their offsets; they must be finite */
	uint16_t n_steps;
	uint16_t n_words;
	uint16_t n_floats;
	uint16_t levels; /* of structs and arrays that the steps cover, this one counted */
};

/* A method. The hashes are of the canonical layout (see docs/interfaces.md), the qualified name
 * included: equal hashes mean that a block can be handed over as it is. */
struct troupe_method {
	uint32_t table_size;
	uint32_t reserved;     /* 0 */
	const char *interface; /* "io.troupe.hello" */
	const char *name;      /* "Greet" */
	const struct troupe_type *in;
	const struct troupe_type *out;
	uint64_t in_hash;
	uint64_t out_hash;
};

/* An error of an interface. */
struct troupe_error {
	uint32_t table_size;
	uint32_t reserved; /* 0 */
	const char *name;  /* qualified: "io.troupe.hello.NameTooLong" */
	const struct troupe_type *type;
	uint64_t hash;
};

struct troupe_interface {
	uint32_t table_size;
	uint32_t reserved; /* 0 */
	uint32_t n_methods;
	uint32_t n_errors;
	const char *name;        /* "io.troupe.hello" */
	const char *description; /* the whole IDL text, for introspection */
	const struct troupe_method *const *methods;
	const struct troupe_error *const *errors;
};

#ifdef __cplusplus
}
#endif

#endif
