/* chain.h - lists whose head is a single pointer, for owners of which there are millions.
 *
 * A chain is NULL when empty, else its first link; the links form a ring, so that the last
 * one is found from the first. Otherwise as base/list.h.
 */
#ifndef CORE_CHAIN_H
#define CORE_CHAIN_H

#include "base/list.h"

/* Make `link` the last of the chain. */
static inline void chain_append(struct list **head, struct list *link)
{
	if (*head) {
		list_append(*head, link);
	} else {
		list_init(link);
		*head = link;
	}
}

/* Take `link` out of the chain it is in. */
static inline void chain_remove(struct list **head, struct list *link)
{
	if (*head == link)
		*head = link->next == link ? NULL : link->next;
	list_remove(link);
}

/* Go through a chain once; the body may remove `at`, or append. */
#define chain_foreach(at, head)                                                                \
	for (struct list *at = (head), *last_ = at ? at->previous : NULL, *next_;              \
	     at && (next_ = at == last_ ? NULL : at->next, true); at = next_)

#endif
