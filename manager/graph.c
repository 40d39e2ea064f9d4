/* See graph.h. Edges are removed by moving the last one of a list into the gap; each edge knows where its
 * other end is stored, so a unit mentioned by ten thousand others is no slower to leave than one mentioned by
 * two. */
#include <errno.h>
#include <string.h>

#include "manager/graph.h"
#include "manager/unit.h"

static const struct graph_list graph_empty_list;

static struct graph_list *graph_find_list(const struct graph_node *node, enum unit_dependency dependency,
					  bool reverse)
{
	for (unsigned i = 0; i < node->n_lists; i++)
		if (node->lists[i].dependency == dependency && node->lists[i].reverse == reverse)
			return &node->lists[i];
	return NULL;
}

const struct graph_list *graph_neighbours(const struct graph_node *node, enum unit_dependency dependency,
					  bool reverse)
{
	const struct graph_list *list = graph_find_list(node, dependency, reverse);

	return list ? list : &graph_empty_list;
}

bool graph_has_edge(const struct graph_node *from, enum unit_dependency dependency,
		    const struct graph_node *to)
{
	const struct graph_list *out = graph_neighbours(from, dependency, false),
				*in = graph_neighbours(to, dependency, true);
	const struct graph_list *shorter = out->n <= in->n ? out : in;
	const struct graph_node *wanted = shorter == out ? to : from;

	for (uint32_t i = 0; i < shorter->n; i++)
		if (shorter->items[i].other == wanted)
			return true;
	return false;
}

/* A list with room for one more edge. */
static struct graph_list *graph_make_list(struct graph_node *node, enum unit_dependency dependency,
					  bool reverse)
{
	struct graph_list *list = graph_find_list(node, dependency, reverse), *lists;
	struct graph_edge *items;
	uint32_t room;

	if (!list) {
		lists = reallocarray(node->lists, node->n_lists + 1, sizeof *lists);
		if (!lists)
			return NULL;
		node->lists = lists;
		list = &lists[node->n_lists++];
		*list = (struct graph_list){.dependency = (uint8_t)dependency, .reverse = reverse};
	}
	if (list->n == list->room) {
		room = list->room ? list->room * 2 : 2;
		items = reallocarray(list->items, room, sizeof *items);
		if (!items)
			return NULL;
		list->items = items;
		list->room = room;
	}
	return list;
}

static int graph_get_node(struct graph *graph, const char *name, struct graph_node **ret)
{
	struct graph_node *node = table_get(&graph->nodes, name);

	if (!node) {
		node = calloc(1, sizeof *node);
		if (!node)
			return -ENOMEM;
		node->name = strdup(name);
		if (!node->name || table_put(&graph->nodes, node->name, node) < 0) {
			free(node->name);
			free(node);
			return -ENOMEM;
		}
	}
	*ret = node;
	return 0;
}

static void graph_free_node(struct graph_node *node)
{
	for (unsigned i = 0; i < node->n_lists; i++)
		free(node->lists[i].items);
	free(node->lists);
	free(node->name);
	free(node);
}

bool graph_is_referenced(const struct graph_node *node)
{
	for (unsigned i = 0; i < node->n_lists; i++)
		if (node->lists[i].reverse && node->lists[i].n)
			return true;
	return false;
}

static void graph_drop_unused(struct graph *graph, struct graph_node *node)
{
	if (node->unit || graph_is_referenced(node))
		return;
	table_remove(&graph->nodes, node->name);
	graph_free_node(node);
}

static int graph_add_edge(struct graph_node *from, enum unit_dependency dependency, struct graph_node *to,
			  bool implicit)
{
	struct graph_list *out, *in;

	if (from == to || graph_has_edge(from, dependency, to))
		return 0;
	out = graph_make_list(from, dependency, false);
	in = graph_make_list(to, dependency, true);
	if (!out || !in)
		return -ENOMEM;
	out->items[out->n] = (struct graph_edge){.other = to, .peer = in->n, .implicit = implicit};
	in->items[in->n] = (struct graph_edge){.other = from, .peer = out->n, .implicit = implicit};
	out->n++;
	in->n++;
	return 0;
}

/* Takes one entry out of a list; the entry that fills the gap tells its other end where it is now. */
static void graph_fill_gap(struct graph_list *list, uint32_t index)
{
	struct graph_edge *moved = &list->items[index];

	if (index != --list->n) {
		*moved = list->items[list->n];
		graph_find_list(moved->other, list->dependency, !list->reverse)->items[moved->peer].peer =
			index;
	}
}

static void graph_remove_edge(struct graph_list *list, uint32_t index)
{
	struct graph_edge edge = list->items[index];
	struct graph_list *other = graph_find_list(edge.other, list->dependency, !list->reverse);

	graph_fill_gap(list, index);
	graph_fill_gap(other, edge.peer);
}

static void graph_remove_declared(struct graph *graph, struct graph_node *node)
{
	for (unsigned i = 0; i < node->n_lists; i++)
		while (!node->lists[i].reverse && node->lists[i].n) {
			struct graph_node *other = node->lists[i].items[node->lists[i].n - 1].other;

			graph_remove_edge(&node->lists[i], node->lists[i].n - 1);
			graph_drop_unused(graph, other);
		}
}

/* A target comes after what it pulls in (systemd.target(5)). Whether one of the two says otherwise is known
 * only when both are loaded: graph_edge_holds(). */
static int graph_add_target_order(struct graph_node *target, const struct unit_config *config)
{
	static const enum unit_dependency pulls[] = {UNIT_REQUIRES, UNIT_REQUISITE, UNIT_WANTS, UNIT_BINDS_TO,
						     UNIT_UPHOLDS};

	if (config->kind != UNIT_TARGET || !config->default_dependencies)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(pulls); i++)
		/* The list is looked up each time: adding an edge may move it. */
		for (uint32_t j = 0; j < graph_neighbours(target, pulls[i], false)->n; j++)
			if (graph_add_edge(target, UNIT_AFTER,
					   graph_neighbours(target, pulls[i], false)->items[j].other,
					   true) < 0)
				return -ENOMEM;
	return 0;
}

bool graph_edge_holds(const struct graph_node *node, const struct graph_list *list, uint32_t index)
{
	const struct graph_edge *edge = &list->items[index];
	const struct graph_node *target = list->reverse ? edge->other : node,
				*pulled = list->reverse ? node : edge->other;

	if (!edge->implicit)
		return true;
	return !(pulled->unit && !pulled->unit->config->default_dependencies) &&
	       !graph_has_edge(target, UNIT_BEFORE, pulled) && !graph_has_edge(pulled, UNIT_AFTER, target);
}

int graph_replace(struct graph *graph, struct graph_node *node, const struct unit_config *config)
{
	graph_remove_declared(graph, node);
	for (enum unit_dependency dependency = 0; dependency < UNIT_DEPENDENCY_MAX_; dependency++)
		TEXT_LIST_FOREACH (name, config->dependencies[dependency]) {
			struct graph_node *other;

			if (graph_get_node(graph, *name, &other) < 0)
				goto fail;
			if (graph_add_edge(node, dependency, other, false) < 0) {
				graph_drop_unused(graph, other);
				goto fail;
			}
		}
	if (graph_add_target_order(node, config) < 0)
		goto fail;
	return 0;
fail:
	graph_remove_declared(graph, node);
	return -ENOMEM;
}

int graph_attach(struct graph *graph, struct unit *unit, struct graph_node **ret)
{
	struct graph_node *node;

	if (graph_get_node(graph, unit->name, &node) < 0)
		return -ENOMEM;
	node->unit = unit;
	if (graph_replace(graph, node, unit->config) < 0) {
		node->unit = NULL;
		graph_drop_unused(graph, node);
		return -ENOMEM;
	}
	*ret = node;
	return 0;
}

void graph_detach(struct graph *graph, struct graph_node *node)
{
	node->unit = NULL;
	graph_remove_declared(graph, node);
	graph_drop_unused(graph, node);
}

void graph_free(struct graph *graph)
{
	TABLE_FOREACH (slot, &graph->nodes)
		graph_free_node(slot->value);
	table_free(&graph->nodes);
}

struct unit *graph_next_ordered(struct graph_walk *walk, bool *ret_after)
{
	static const struct {
		enum unit_dependency dependency;
		bool reverse, after;
	} orders[] = {
		{UNIT_AFTER, false, true},
		{UNIT_BEFORE, true, true},
		{UNIT_BEFORE, false, false},
		{UNIT_AFTER, true, false},
	};

	for (; walk->list < ARRAY_SIZE(orders); walk->list++, walk->index = 0) {
		const struct graph_list *list = graph_neighbours(walk->node, orders[walk->list].dependency,
								 orders[walk->list].reverse);

		while (walk->index < list->n) {
			uint32_t index = walk->index++;
			struct unit *unit = list->items[index].other->unit;

			if (unit && graph_edge_holds(walk->node, list, index)) {
				*ret_after = orders[walk->list].after;
				return unit;
			}
		}
	}
	return NULL;
}
