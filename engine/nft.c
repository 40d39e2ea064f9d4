/* See nft.h. nf_tables takes changes as a batch of netlink messages that becomes true as a whole: begin, the change, end
 * (linux/netfilter/nfnetlink.h). The kernel handles it within our send(2), so that the answer is there after it. */
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/fd.h"
#include "engine/nft.h"

enum { NFT_CHANGE_SEQUENCE = 2 };

/* Messages one after the other, with attributes in one another. Large enough for the longest names. */
struct nft_batch {
	size_t length;
	char data[1024] __attribute__((aligned(NLMSG_ALIGNTO)));
};

static void *nft_append(struct nft_batch *batch, const void *data, size_t size)
{
	char *at = batch->data + batch->length;

	assert(batch->length + NLMSG_ALIGN(size) <= sizeof batch->data);
	if (data)
		memcpy(at, data, size);
	batch->length += NLMSG_ALIGN(size);
	return at;
}

static struct nlmsghdr *nft_begin(struct nft_batch *batch, uint16_t type, uint16_t flags, uint32_t sequence,
				  int family, uint16_t resource)
{
	const struct nlmsghdr head = {
		.nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | flags, .nlmsg_seq = sequence};
	const struct nfgenmsg general = {
		.nfgen_family = (uint8_t)family, .version = NFNETLINK_V0, .res_id = htons(resource)};
	struct nlmsghdr *message = nft_append(batch, &head, sizeof head);

	nft_append(batch, &general, sizeof general);
	return message;
}

static void nft_end(struct nft_batch *batch, struct nlmsghdr *message)
{
	message->nlmsg_len = (uint32_t)(batch->data + batch->length - (char *)message);
}

static struct nlattr *nft_begin_attribute(struct nft_batch *batch, uint16_t type)
{
	const struct nlattr head = {.nla_type = type | NLA_F_NESTED};

	return nft_append(batch, &head, sizeof head);
}

static void nft_end_attribute(struct nft_batch *batch, struct nlattr *attribute)
{
	attribute->nla_len = (uint16_t)(batch->data + batch->length - (char *)attribute);
}

static void nft_attribute(struct nft_batch *batch, uint16_t type, const void *data, size_t size)
{
	const struct nlattr head = {.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + size)};

	nft_append(batch, &head, sizeof head);
	nft_append(batch, data, size);
}

static void nft_compose(struct nft_batch *batch, const struct filter_set *set, const void *key, size_t size,
			bool put)
{
	struct nlattr *elements, *element, *outer;
	struct nlmsghdr *message =
		nft_begin(batch, NFNL_MSG_BATCH_BEGIN, 0, 1, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);

	nft_end(batch, message);
	message =
		nft_begin(batch, NFNL_SUBSYS_NFTABLES << 8 | (put ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM),
			  NLM_F_ACK | (put ? NLM_F_CREATE : 0), NFT_CHANGE_SEQUENCE, set->family, 0);
	nft_attribute(batch, NFTA_SET_ELEM_LIST_TABLE, set->table, strlen(set->table) + 1);
	nft_attribute(batch, NFTA_SET_ELEM_LIST_SET, set->set, strlen(set->set) + 1);
	elements = nft_begin_attribute(batch, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = nft_begin_attribute(batch, NFTA_LIST_ELEM);
	outer = nft_begin_attribute(batch, NFTA_SET_ELEM_KEY);
	nft_attribute(batch, NFTA_DATA_VALUE, key, size);
	nft_end_attribute(batch, outer);
	nft_end_attribute(batch, element);
	nft_end_attribute(batch, elements);
	nft_end(batch, message);
	message = nft_begin(batch, NFNL_MSG_BATCH_END, 0, 3, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	nft_end(batch, message);
}

/* The answer to the change: 0 or its negative errno. */
static int nft_receive(int fd)
{
	char buffer[4096] __attribute__((aligned(NLMSG_ALIGNTO)));

	for (;;) {
		ssize_t n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
		size_t left = n > 0 ? (size_t)n : 0;

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		for (struct nlmsghdr *message = (struct nlmsghdr *)buffer; NLMSG_OK(message, left);
		     message = NLMSG_NEXT(message, left)) {
			const struct nlmsgerr *error = NLMSG_DATA(message);

			/* What is wrong with the batch as a whole comes under another number. */
			if (message->nlmsg_type == NLMSG_ERROR &&
			    (error->error || message->nlmsg_seq == NFT_CHANGE_SEQUENCE))
				return error->error;
		}
	}
}

int nft_change(const struct filter_set *set, uint64_t value, bool put, struct failure *failure)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	_cleanup_fd_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	bool is_group = set->source == FILTER_SET_CGROUP;
	uint32_t id = (uint32_t)value;
	struct nft_batch batch = {};
	int r;

	if (fd < 0)
		return failure_set(failure, -errno, NULL, "the packet filter cannot be reached");
	nft_compose(&batch, set, is_group ? (const void *)&value : &id, is_group ? sizeof value : sizeof id,
		    put);
	if (sendto(fd, batch.data, batch.length, 0, (const struct sockaddr *)&kernel, sizeof kernel) < 0)
		return failure_set(failure, -errno, NULL, "the packet filter cannot be reached");
	r = nft_receive(fd);
	if (r == 0 || (put && r == -EEXIST) || (!put && r == -ENOENT))
		return 0;
	return failure_set(failure, r, NULL, "the set %s of the table %s cannot be changed", set->set,
			   set->table);
}
