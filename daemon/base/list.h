/* list.h - intrusive doubly linked lists, circular, with a head that is itself a link.
 *
 * The links live inside the listed objects, so that putting in and taking out cannot fail. A
 * list belongs to whoever owns the head; any process, one thread at a time.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *previous;
};

#define container_of(pointer, type, member)                                                    \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline void list_init(struct list *list)
{
	list->next = list->previous = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

/* Put `link` behind `place`; list_insert(head, link) makes it the first. */
static inline void list_insert(struct list *place, struct list *link)
{
	link->previous = place;
	link->next = place->next;
	place->next->previous = link;
	place->next = link;
}

/* Make `link` the last of the list. */
static inline void list_append(struct list *head, struct list *link)
{
	list_insert(head->previous, link);
}

/* Take `link` out of its list; it becomes an empty list, so that doing it again is harmless. */
static inline void list_remove(struct list *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	list_init(link);
}

#define list_first(head, type, member) container_of((head)->next, type, member)

#define list_foreach(at, head) for (struct list *at = (head)->next; at != (head); at = at->next)

/* NULL: it is the list's head, which is in no such item. */
#define list_item(link, head, type, member)                                                    \
	((link) == (head) ? NULL : container_of(link, type, member))

/* What is listed itself, of that type; `member` is its link. The body may remove `at`. */
#define list_each(type, at, head, member)                                                      \
	for (type *at = list_item((head)->next, head, type, member),                           \
		  *at##_next = at ? list_item(at->member.next, head, type, member) : NULL;     \
	     at; at = at##_next,                                                               \
		  at##_next = at ? list_item(at->member.next, head, type, member) : NULL)

/* The body may remove `at`. */
#define list_foreach_safe(at, head)                                                            \
	for (struct list *at = (head)->next, *at##_next = at->next; at != (head);              \
	     at = at##_next, at##_next = at->next)

#endif
