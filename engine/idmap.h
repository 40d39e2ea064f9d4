/* Id maps of user namespaces: which user and group ids of the container are which on the host. */
#pragma once

#include "engine/build.h"

/* Makes both maps that the spec asks for, from what it says, /etc/subuid and /etc/subgid, or the namespace to be
 * joined: sets build->uid_map and build->gid_map. Without a user namespace both are left empty, which maps all
 * ids to themselves. */
int idmap_make(struct build *build);

/* What ID is outside; UINT32_MAX when it is not mapped. */
uint32_t idmap_outside(const struct spec_id_map *map, uint32_t id);
/* The other way round: what inside is ID outside; UINT32_MAX when nothing is. */
uint32_t idmap_inside(const struct spec_id_map *map, uint32_t id);
/* Does it only map ids to themselves? */
bool idmap_is_identity(const struct spec_id_map *map);
/* As /proc/PID/uid_map has it; heap. */
char *idmap_print(const struct spec_id_map *map);

/* Appends a range, unless COUNT is 0. Returns 0 or -ENOMEM. */
int idmap_append(struct spec_id_map *map, uint32_t inside, uint32_t outside, uint32_t count);

/* Appends a user namespace for each mount that has an id map of its own: an idmapped mount keeps the map. Comes before the
 * new root is in place, as the kernel lets nobody make one whose root is covered (user_namespaces(7), EPERM). */
int idmap_emit_mounts(struct build *build);
/* The slot of the one for IDS. */
uint8_t idmap_slot(const struct build *build, const struct spec_mount_ids *ids);
/* Turns ids of the container into those on disk, below a mount mapped by IDS (NULL: not mapped). -ERANGE: there is
 * none. */
int idmap_on_disk(const struct build *build, const struct spec_mount_ids *ids, uint32_t *uid, uint32_t *gid);
