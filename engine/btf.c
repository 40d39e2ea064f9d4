/* See btf.h. The format is the kernel's Documentation/bpf/btf.rst: a header, types one behind the other, strings. A
 * type is known by its number, counted from 1. */
#include <fcntl.h>
#include <linux/btf.h>
#include <string.h>

#include "base/fd.h"
#include "engine/btf.h"

#define BTF_VMLINUX "/sys/kernel/btf/vmlinux"

enum { BTF_MAX_SIZE = 64 << 20, BTF_DEPTH_MAX = 8 };

struct btf {
	char *data;
	const char *types, *strings;
	uint32_t types_size, strings_size, n_types;
	const struct btf_type **index; /* by number */
};

/* What follows a type of this kind; -1: a kind we do not know. */
static int btf_tail_size(const struct btf_type *type)
{
	uint32_t n = BTF_INFO_VLEN(type->info);

	switch (BTF_INFO_KIND(type->info)) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (int)(n * sizeof(struct btf_member));
	case BTF_KIND_ENUM:
		return (int)(n * sizeof(struct btf_enum));
	case BTF_KIND_ENUM64:
		return (int)(n * sizeof(struct btf_enum64));
	case BTF_KIND_FUNC_PROTO:
		return (int)(n * sizeof(struct btf_param));
	case BTF_KIND_DATASEC:
		return (int)(n * sizeof(struct btf_var_secinfo));
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -1;
	}
}

/* Walks over all types; with an index, notes where each is. */
static int btf_walk(struct btf *btf)
{
	uint32_t at = 0, n = 1;

	while (at + sizeof(struct btf_type) <= btf->types_size) {
		const struct btf_type *type = (const struct btf_type *)(btf->types + at);
		int tail = btf_tail_size(type);

		at += sizeof *type;
		if (tail < 0 || (uint32_t)tail > btf->types_size - at)
			return -EBADMSG;
		at += (uint32_t)tail;
		if (btf->index)
			btf->index[n] = type;
		n++;
	}
	btf->n_types = n;
	return 0;
}

static int btf_parse(struct btf *btf, size_t size)
{
	const struct btf_header *head = (const struct btf_header *)btf->data;
	uint64_t body;
	int r;

	if (size < sizeof *head || head->magic != BTF_MAGIC || head->hdr_len < sizeof *head ||
	    head->hdr_len > size)
		return -EBADMSG;
	body = size - head->hdr_len;
	if ((uint64_t)head->type_off + head->type_len > body ||
	    (uint64_t)head->str_off + head->str_len > body || head->str_len == 0 || head->type_off % 4)
		return -EBADMSG;
	btf->types = btf->data + head->hdr_len + head->type_off;
	btf->types_size = head->type_len;
	btf->strings = btf->data + head->hdr_len + head->str_off;
	btf->strings_size = head->str_len;
	if (btf->strings[btf->strings_size - 1] != '\0')
		return -EBADMSG;
	r = btf_walk(btf);
	if (r < 0)
		return r;
	btf->index = calloc(btf->n_types, sizeof *btf->index);
	return btf->index ? btf_walk(btf) : -ENOMEM;
}

int btf_open(struct btf **ret, struct failure *failure)
{
	_cleanup_(cleanup_btf_free) struct btf *btf = calloc(1, sizeof *btf);
	ssize_t size;
	int r;

	if (!btf)
		return failure_set(failure, -ENOMEM, NULL, "cannot read " BTF_VMLINUX);
	size = fd_read_file_at(AT_FDCWD, BTF_VMLINUX, BTF_MAX_SIZE, &btf->data);
	if (size < 0)
		return failure_set(failure, (int)size, NULL,
				   "the kernel does not describe its types in " BTF_VMLINUX);
	r = btf_parse(btf, (size_t)size);
	if (r < 0)
		return failure_set(failure, r, NULL, "cannot understand " BTF_VMLINUX);
	*ret = TAKE(btf);
	return 0;
}

struct btf *btf_free(struct btf *btf)
{
	if (!btf)
		return NULL;
	free(btf->index);
	free(btf->data);
	free(btf);
	return NULL;
}

static const char *btf_text(const struct btf *btf, uint32_t offset)
{
	return offset < btf->strings_size ? btf->strings + offset : "";
}

static int btf_find(const struct btf *btf, unsigned kind, const char *name)
{
	for (uint32_t i = 1; i < btf->n_types; i++)
		if (BTF_INFO_KIND(btf->index[i]->info) == kind &&
		    strcmp(btf_text(btf, btf->index[i]->name_off), name) == 0)
			return (int)i;
	return -ENOENT;
}

int btf_find_function(const struct btf *btf, const char *name)
{
	return btf_find(btf, BTF_KIND_FUNC, name);
}

static int btf_find_member_of(const struct btf *btf, uint32_t number, const char *member, unsigned depth)
{
	const struct btf_type *type = number > 0 && number < btf->n_types ? btf->index[number] : NULL;
	const struct btf_member *members = (const struct btf_member *)(type + 1);
	unsigned kind = type ? BTF_INFO_KIND(type->info) : BTF_KIND_UNKN;

	if ((kind != BTF_KIND_STRUCT && kind != BTF_KIND_UNION) || depth > BTF_DEPTH_MAX)
		return -ENOENT;
	for (uint32_t i = 0; i < BTF_INFO_VLEN(type->info); i++) {
		uint32_t bits = BTF_INFO_KFLAG(type->info) ? BTF_MEMBER_BIT_OFFSET(members[i].offset)
							   : members[i].offset;
		const char *name = btf_text(btf, members[i].name_off);
		int inside;

		if (strcmp(name, member) == 0)
			return bits % 8 ? -ENOENT : (int)(bits / 8);
		inside = *name ? -ENOENT : btf_find_member_of(btf, members[i].type, member, depth + 1);
		if (inside >= 0)
			return (int)(bits / 8) + inside;
	}
	return -ENOENT;
}

int btf_find_member(const struct btf *btf, const char *type, const char *member)
{
	int number = btf_find(btf, BTF_KIND_STRUCT, type);

	return number < 0 ? number : btf_find_member_of(btf, (uint32_t)number, member, 0);
}
