// LMDB 0.9 on a 64-bit machine (mdb.c: MDB_page, MDB_meta, MDB_db): a page begins with its number and flags; 0 and 1 are metas.
#include "lmdb/data_file.h"

#include "core/descriptor.h"
#include "lmdb/environment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace postern::lmdb {
namespace {

struct PageHeader {
  std::uint64_t number;
  std::uint16_t pad;
  std::uint16_t flags;
  std::uint16_t lower;
  std::uint16_t upper;
};
struct TreeFacts {
  std::uint32_t pad;  // of the first tree: the size of a page
  std::uint16_t flags;
  std::uint16_t depth;
  std::uint64_t branch_pages;
  std::uint64_t leaf_pages;
  std::uint64_t overflow_pages;
  std::uint64_t entries;
  std::uint64_t root;
};
struct MetaFacts {
  std::uint32_t magic;
  std::uint32_t version;
  std::uint64_t address;
  std::uint64_t map_octets;
  std::array<TreeFacts, 2> trees;  // of free pages, and of tables
  std::uint64_t last_page;
  std::uint64_t transaction;
};
static_assert(sizeof(PageHeader) == 16 && sizeof(TreeFacts) == 48 && sizeof(MetaFacts) == 136);

constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::uint64_t kNoRoot = ~std::uint64_t{0};
constexpr std::uint16_t kBranchOrLeaf = 0x03;
constexpr std::uint32_t kMinPageOctets = 256;
constexpr std::uint32_t kMaxPageOctets = 65'536;

template <class T>
bool read_at(int fd, std::uint64_t offset, T& value) {
  return ::pread(fd, &value, sizeof value, static_cast<off_t>(offset)) == static_cast<ssize_t>(sizeof value);
}

bool has_root(int fd, const TreeFacts& tree, std::uint64_t page_octets) {
  if (tree.root == kNoRoot) return true;
  std::array<char, 1> last{};
  PageHeader header{};
  if (tree.root > (std::uint64_t{1} << 46) / page_octets) return false;
  return read_at(fd, tree.root * page_octets, header) && read_at(fd, (tree.root + 1) * page_octets - 1, last) &&
         header.number == tree.root && (header.flags & kBranchOrLeaf) != 0;
}

// The newer state is the one in force.
Result<void> check_open_file(int fd, const std::string& name) {
  MetaFacts first{};
  MetaFacts second{};
  if (!read_at(fd, sizeof(PageHeader), first) || first.magic != kMagic) return {};
  const std::uint32_t page_octets = first.trees[0].pad;
  const bool is_page_size =
      page_octets >= kMinPageOctets && page_octets <= kMaxPageOctets && (page_octets & (page_octets - 1)) == 0;
  const Error cut(ErrorCode::CorruptRecord, name + " is damaged or cut short; restore a backup");
  if (!is_page_size || !read_at(fd, page_octets + sizeof(PageHeader), second)) return cut;
  const MetaFacts& meta = second.magic == kMagic && second.transaction > first.transaction ? second : first;
  for (const TreeFacts& tree : meta.trees) {
    if (!has_root(fd, tree, page_octets)) return cut;
  }
  return {};
}

}  // namespace

Result<void> check_data_file(const std::filesystem::path& file) {
  const Descriptor data(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!data.is_open()) return {};  // opening it says why
  // A writer beside us may write the page of a root anew between the reads: what is damaged stays so.
  Result<void> checked = check_open_file(data.get(), file.string());
  for (int i = 0; i < 3 && !checked; ++i) checked = check_open_file(data.get(), file.string());
  return checked;
}

}  // namespace postern::lmdb
