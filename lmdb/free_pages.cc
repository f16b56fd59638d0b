// The list of free pages is LMDB's table 0: transaction → the pages it freed, as numbers behind their count. What of it the next
// writer takes follows LMDB's own rule: only what was freed before the oldest state that anybody reads.
#include "lmdb/free_pages.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace postern::lmdb {
namespace {

constexpr MDB_dbi kFreeList = 0;
constexpr std::uint64_t kMetaPages = 2;

struct OldestReader {
  std::uint64_t state = ~std::uint64_t{0};
  ProcessId process = 0;
};

std::string_view next_word(std::string_view& line) {
  const std::size_t begin = std::min(line.find_first_not_of(" \n"), line.size());
  line.remove_prefix(begin);
  const std::size_t end = std::min(line.find_first_of(" \n"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

// LMDB's callback: a line "process thread state" for each reader, after a line of headings; the state of an idle one is "-".
int note_reader(const char* message, void* context) {
  auto& oldest = *static_cast<OldestReader*>(context);
  std::string_view line(message);
  const std::string_view process = next_word(line);
  (void)next_word(line);
  const std::string_view state = next_word(line);
  OldestReader reader;
  if (std::from_chars(process.data(), process.data() + process.size(), reader.process).ec != std::errc()) return 0;
  if (std::from_chars(state.data(), state.data() + state.size(), reader.state).ec != std::errc()) return 0;
  if (reader.state < oldest.state) oldest = reader;
  return 0;
}

}  // namespace

Result<FreePages> count_free_pages(const ReadTransaction& transaction, std::uint64_t live, std::uint64_t enough) {
  MDB_env* environment = transaction.environment().handle();
  MDB_envinfo info{};
  MDB_stat list{};
  MDB_cursor* cursor = nullptr;
  int code = mdb_env_info(environment, &info);
  if (code == 0) code = mdb_stat(transaction.handle(), kFreeList, &list);
  if (code == 0) code = mdb_cursor_open(transaction.handle(), kFreeList, &cursor);
  if (code != 0) return lmdb_error(code, "count free pages");
  const std::uint64_t used = live + list.ms_branch_pages + list.ms_leaf_pages + list.ms_overflow_pages + kMetaPages;
  const std::uint64_t all = std::uint64_t{info.me_last_pgno} + 1;

  FreePages pages{.total = all > used ? all - used : 0, .reusable = 0, .pinned_by = std::nullopt};
  const std::uint64_t current = mdb_txn_id(transaction.handle());
  OldestReader oldest;
  mdb_reader_list(environment, note_reader, &oldest);
  if (oldest.state < current) pages.pinned_by = oldest.process;
  const std::uint64_t bound = std::min(oldest.state, current);

  MDB_val key{};
  MDB_val value{};
  for (code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST); code == 0 && pages.reusable < enough;
       code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
    std::uint64_t freed_by = 0;
    if (key.mv_size != sizeof freed_by) break;
    std::memcpy(&freed_by, key.mv_data, sizeof freed_by);
    if (freed_by >= bound) break;
    pages.reusable += value.mv_size / sizeof(std::uint64_t) - 1;  // by its size: a long list stays unread on the disk
  }
  mdb_cursor_close(cursor);
  if (code != 0 && code != MDB_NOTFOUND) return lmdb_error(code, "count free pages");
  pages.reusable = std::min(pages.reusable, pages.total);
  return pages;
}

}  // namespace postern::lmdb
