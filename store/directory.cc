// The directory: each read is one read transaction, each change one nested transaction on the commit thread, so that a change
// that fails half way takes nothing of its batch with it.
#include "store/directory.h"

#include "lmdb/commit_queue.h"
#include "store/directory_index.h"
#include "store/examination.h"
#include "store/leftovers.h"
#include "store/suppression_fold.h"

namespace postern::store {
namespace {

using Change = std::function<Result<void>(DirectoryWriter&)>;

Result<void> apply_change(const Change& change, const Actor& actor, WriteTransaction& parent) {
  WriteTransaction transaction(parent.environment());
  if (int code = parent.note(transaction.begin(&parent)); code != 0) return lmdb_error(code, "begin a change");
  DirectoryWriter writer(transaction, actor);
  Result<void> changed = change(writer);
  if (parent.note(transaction.broken()) != 0) return lmdb_error(transaction.broken(), "write the directory");
  if (!changed) return changed;
  if (int code = parent.note_write(transaction.commit()); code != 0) return lmdb_error(code, "end a change");
  return {};
}

class ChangeRequest final : public lmdb::CommitRequest {
 public:
  ChangeRequest(Change change, Completion done) : change_(std::move(change)), actor_(current_actor()), done_(std::move(done)) {}
  Result<void> apply(WriteTransaction& transaction) override { return apply_change(change_, actor_, transaction); }
  void complete(Result<void> outcome) override { done_(std::move(outcome)); }

 private:
  Change change_;
  const Actor actor_;
  Completion done_;
};

}  // namespace

class Directory::Impl {
 public:
  Impl(std::unique_ptr<LmdbEnvironment> environment, std::chrono::milliseconds stall_after)
      : environment_(std::move(environment)), queue_(*environment_, nullptr, stall_after) {}

  const LmdbEnvironment& environment() const { return *environment_; }
  lmdb::CommitQueue& queue() { return queue_; }
  const lmdb::CommitQueue& queue() const { return queue_; }

 private:
  std::unique_ptr<LmdbEnvironment> environment_;
  lmdb::CommitQueue queue_;
};

DirectoryWriter::DirectoryWriter(WriteTransaction& transaction, Actor actor)
    : DirectoryReads(transaction.environment(), &transaction), transaction_(transaction), actor_(std::move(actor)) {}

Directory::Directory(std::unique_ptr<LmdbEnvironment> environment, std::chrono::milliseconds stall_after)
    : DirectoryReads(*environment), impl_(std::make_unique<Impl>(std::move(environment), stall_after)) {}
Directory::~Directory() = default;

void Directory::start() { impl_->queue().start(); }
std::optional<Stall> Directory::stall() const { return impl_->queue().stall(); }

Result<std::vector<std::string>> Directory::examine() const {
  return look([](Transaction& transaction) {
    return Result<std::vector<std::string>>(examine_all(transaction, directory_examination_steps(), examine_directory));
  });
}

Result<void> Directory::examine(std::size_t step, const ReportFinding& report) const {
  return look([&](Transaction& transaction) -> Result<void> {
    examine_directory(transaction, step, report);
    return {};
  });
}

Result<bool> Directory::remove_leftovers() {
  const auto ask = [](Transaction& transaction) { return has_leftovers(transaction); };
  Result<bool> has_some = look(ask);
  if (!has_some || !*has_some) return has_some;
  const Result<void> erased = write([](DirectoryWriter& writer) { return writer.remove_leftovers(); });
  if (!erased) return erased.error();
  return look(ask);
}

void Directory::drop_dead_readers() const { impl_->environment().drop_dead_readers(); }

Result<void> Directory::upgrade() {
  Result<bool> folded = look([](Transaction& transaction) { return are_suppressions_folded(transaction); });
  if (!folded) return folded.error();
  if (*folded) return {};
  return impl_->queue().run([](WriteTransaction& transaction) { return fold_suppressions(transaction); });
}

Result<void> Directory::copy_to(const std::filesystem::path& folder) const { return impl_->environment().copy_to(folder); }

Result<void> Directory::write(const Change& change) {
  const Actor& actor = current_actor();
  return impl_->queue().run([&](WriteTransaction& transaction) { return apply_change(change, actor, transaction); });
}

void Directory::write_later(Change change, Completion done) {
  impl_->queue().submit(std::make_unique<ChangeRequest>(std::move(change), std::move(done)), lmdb::Urgency::Commits,
                        lmdb::Admission::Bounded);
}

}  // namespace postern::store
