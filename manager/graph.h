/* Who depends on whom. A node is a unit's *name*: it exists as soon as anybody mentions it, whether or not
 * the unit is loaded, so that "web.service is Before= me" is known before I am. What a unit's files declare
 * are edges out of its node; each is stored at both ends, so that both directions are a walk over neighbours,
 * never a search. */
#pragma once

#include "base/table.h"
#include "units/config.h"

struct unit;
struct graph_node;

struct graph_edge {
	struct graph_node *other;
	uint32_t peer; /* index of the same edge in the other end's list */
	bool implicit; /* a target's After= that no file wrote: it yields to an explicit opposite */
};

/* The edges of one kind and direction at one node. */
struct graph_list {
	struct graph_edge *items;
	uint32_t n, room;
	uint8_t dependency;
	bool reverse;
};

struct graph_node {
	char *name;
	struct unit *unit;	  /* NULL while not loaded */
	struct graph_list *lists; /* only kinds that occurred: a handful */
	unsigned n_lists;
};

struct graph {
	struct table nodes;
};

/* Makes the node of UNIT (which has name and config) and its edges. Returns 0 or -ENOMEM, then with no edge
 * made. */
int graph_attach(struct graph *graph, struct unit *unit, struct graph_node **ret);
/* Drops the edges that the unit of NODE declared and makes those of CONFIG. On -ENOMEM the node is without
 * edges. */
int graph_replace(struct graph *graph, struct graph_node *node, const struct unit_config *config);
/* The unit is gone: its edges go, and the node too when nobody mentions it. */
void graph_detach(struct graph *graph, struct graph_node *node);
/* Does any loaded unit mention this one? */
bool graph_is_referenced(const struct graph_node *node);
void graph_free(struct graph *graph);

/* The neighbours that NODE names in DEPENDENCY, or with REVERSE those that name it. Never NULL; valid until
 * the graph changes. */
const struct graph_list *graph_neighbours(const struct graph_node *node, enum unit_dependency dependency,
					  bool reverse);
/* False for a target's implicit After= where one of the two units says otherwise. */
bool graph_edge_holds(const struct graph_node *node, const struct graph_list *list, uint32_t index);
bool graph_has_edge(const struct graph_node *from, enum unit_dependency dependency,
		    const struct graph_node *to);

/* Walks all loaded units that are ordered against one. */
struct graph_walk {
	const struct graph_node *node;
	unsigned list, index;
};
/* The next one, NULL at the end; *RET_AFTER: whether NODE is ordered after it (else before it). */
struct unit *graph_next_ordered(struct graph_walk *walk, bool *ret_after);
