/* See store.h. The order of the stores is the whole point: __atomic release stores keep the compiler from
 * moving a body behind the number that declares it valid. Another CPU or a power cut need not be thought of:
 * the reader comes after the writer's death. */
#include <errno.h>
#include <string.h>

#include "manager/store.h"
#include "manager/world.h"

#define STORE_MAGIC 0x65726f7473637673ULL /* "svcstore" */

enum { STORE_NAME_MAX = 256, STORE_FIRST_SLOTS = 32, STORE_MAX_SLOTS = 1 << 20 };

struct store_copy {
	uint64_t sequence; /* of the commit it belongs to; 0: being written */
	uint64_t checksum;
	struct store_unit unit;
};

struct store_slot {
	char name[STORE_NAME_MAX];
	uint64_t in_use;
	struct store_copy copies[2];
};

struct store_header {
	uint64_t magic;
	uint32_t version, slot_size;
	uint32_t n_slots, n_slots_inverted; /* one of the two is damaged when they do not agree */
	uint64_t committed;
	struct store_globals globals;
};

/* Slots begin at a fixed place whatever the header holds. */
enum { STORE_SLOTS_OFFSET = 128 };
static_assert(sizeof(struct store_header) <= STORE_SLOTS_OFFSET, "the header must fit before the slots");
static_assert(sizeof(struct store_unit) % sizeof(uint64_t) == 0, "the checksum goes word by word");

static struct store_header *store_header(const struct store *store)
{
	return store->base;
}

static struct store_slot *store_slot(const struct store *store, uint32_t slot)
{
	return (struct store_slot *)((char *)store->base + STORE_SLOTS_OFFSET) + (slot - 1);
}

struct store_globals *store_globals(struct store *store)
{
	return &store_header(store)->globals;
}

/* Of a copy and of the name that it belongs to. */
static uint64_t store_checksum(const struct store_slot *slot, uint64_t sequence,
			       const struct store_unit *unit)
{
	uint64_t sum = sequence * 0x9e3779b97f4a7c15ULL, word;

	for (size_t i = 0; i < sizeof slot->name && slot->name[i]; i++)
		sum = (sum ^ (unsigned char)slot->name[i]) * 0x100000001b3ULL;
	for (size_t i = 0; i < sizeof *unit; i += sizeof word) {
		memcpy(&word, (const char *)unit + i, sizeof word);
		sum = (sum ^ word) * 0x9e3779b97f4a7c15ULL;
		sum ^= sum >> 29;
	}
	return sum;
}

/* The copy in force: the newest that is committed and intact. */
static struct store_copy *store_current(const struct store *store, struct store_slot *slot)
{
	uint64_t committed = store_header(store)->committed;
	struct store_copy *best = NULL;

	for (int i = 0; i < 2; i++) {
		struct store_copy *copy = &slot->copies[i];

		if (copy->sequence && copy->sequence <= committed &&
		    (!best || copy->sequence > best->sequence) &&
		    copy->checksum == store_checksum(slot, copy->sequence, &copy->unit))
			best = copy;
	}
	return best;
}

/* A successor commits with the number that an uncommitted copy bears already: such copies go first. */
static void store_drop_uncommitted(const struct store *store, struct store_slot *slot)
{
	for (int i = 0; i < 2; i++)
		if (slot->copies[i].sequence > store_header(store)->committed)
			slot->copies[i].sequence = 0;
}

/* Makes it N_SLOTS. KEEP: the new ones may hold something to remember, else whatever they hold is nothing. */
static int store_grow(struct store *store, uint32_t n_slots, bool keep)
{
	uint32_t *free_slots = reallocarray(store->free_slots, n_slots, sizeof *free_slots);
	void *base;

	if (!free_slots)
		return -ENOMEM;
	store->free_slots = free_slots;
	base = store->world->ops->memory(store->world,
					 STORE_SLOTS_OFFSET + (size_t)n_slots * sizeof(struct store_slot));
	if (!base)
		return -ENOMEM;
	store->base = base;
	/* From the top, so that the lowest free slot is taken next. */
	for (uint32_t number = n_slots; number > store->n_slots; number--) {
		struct store_slot *slot = store_slot(store, number);

		store_drop_uncommitted(store, slot);
		if (keep && slot->in_use && store_current(store, slot))
			continue;
		slot->in_use = 0;
		store->free_slots[store->n_free++] = number;
	}
	store->n_slots = n_slots;
	store_header(store)->n_slots = n_slots;
	store_header(store)->n_slots_inverted = ~n_slots;
	return 0;
}

int store_open(struct store *store, struct world *world)
{
	struct store_header *header;

	*store = (struct store){.world = world};
	header = world->ops->memory(world, STORE_SLOTS_OFFSET);
	if (!header)
		return -ENOMEM;
	store->base = header;
	if (header->magic == STORE_MAGIC && header->version == STORE_VERSION &&
	    header->slot_size == sizeof(struct store_slot) && header->n_slots == ~header->n_slots_inverted &&
	    header->n_slots >= STORE_FIRST_SLOTS && header->n_slots <= STORE_MAX_SLOTS)
		return store_grow(store, header->n_slots, true);
	*header = (struct store_header){.version = STORE_VERSION, .slot_size = sizeof(struct store_slot)};
	if (store_grow(store, STORE_FIRST_SLOTS, false) < 0)
		return -ENOMEM;
	__atomic_store_n(&store_header(store)->magic, STORE_MAGIC, __ATOMIC_RELEASE);
	return 0;
}

void store_close(struct store *store)
{
	free(store->free_slots);
	*store = (struct store){};
}

int store_add(struct store *store, const char *name, uint32_t *ret_slot)
{
	struct store_slot *slot;

	if (strlen(name) >= STORE_NAME_MAX)
		return -ENAMETOOLONG;
	if (store->n_free == 0 && store->n_slots >= STORE_MAX_SLOTS)
		return -ENOMEM;
	if (store->n_free == 0 && store_grow(store, store->n_slots * 2, false) < 0)
		return -ENOMEM;
	*ret_slot = store->free_slots[--store->n_free];
	slot = store_slot(store, *ret_slot);
	slot->copies[0].sequence = slot->copies[1].sequence = 0;
	memcpy(slot->name, name, strlen(name) + 1);
	__atomic_store_n(&slot->in_use, 1, __ATOMIC_RELEASE);
	return 0;
}

void store_remove(struct store *store, uint32_t slot)
{
	__atomic_store_n(&store_slot(store, slot)->in_use, 0, __ATOMIC_RELEASE);
	store->free_slots[store->n_free++] = slot;
}

void store_write(struct store *store, uint32_t number, const struct store_unit *unit)
{
	struct store_slot *slot = store_slot(store, number);
	uint64_t sequence = store_header(store)->committed + 1;
	struct store_copy *copy = &slot->copies[0];

	/* Not the one in force: the later committed one. A copy that this event wrote already is written
	 * again. */
	if (slot->copies[1].sequence == sequence)
		copy = &slot->copies[1];
	else if (slot->copies[0].sequence != sequence && slot->copies[1].sequence < slot->copies[0].sequence)
		copy = &slot->copies[1];
	__atomic_store_n(&copy->sequence, 0, __ATOMIC_SEQ_CST);
	copy->unit = *unit;
	copy->checksum = store_checksum(slot, sequence, unit);
	__atomic_store_n(&copy->sequence, sequence, __ATOMIC_RELEASE);
	store->pending = true;
}

void store_commit(struct store *store)
{
	if (!store->pending)
		return;
	__atomic_store_n(&store_header(store)->committed, store_header(store)->committed + 1,
			 __ATOMIC_RELEASE);
	store->pending = false;
}

const struct store_unit *store_read(const struct store *store, uint32_t number, const char **ret_name)
{
	struct store_slot *slot = store_slot(store, number);
	const struct store_copy *copy = slot->in_use ? store_current(store, slot) : NULL;

	if (!copy)
		return NULL;
	slot->name[STORE_NAME_MAX - 1] = '\0';
	*ret_name = slot->name;
	return &copy->unit;
}
