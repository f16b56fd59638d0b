#include "store/notebook.h"

#include "lmdb/table.h"

#include <algorithm>
#include <array>
#include <utility>

namespace postern::store {
namespace {

constexpr std::array<std::string_view, 6> kNotebookTables = {"meta",        "sts_policies", "tls_results",
                                                              "tls_reports", "warm_ups",     "refusals"};
constexpr std::size_t kMaxNotebookKey = 500;  // LMDB's bound is 511

class NotebookWrite final : public lmdb::CommitRequest {
 public:
  NotebookWrite(NotebookTable table, std::string key, std::optional<std::string> value)
      : table_(table), key_(std::move(key)), value_(std::move(value)) {}

  Result<void> apply(lmdb::WriteTransaction& transaction) override {
    lmdb::WritableTable table(transaction, table_);
    if (value_) return table.put(key_, *value_);
    const auto erased = table.erase(key_);
    return erased ? Result<void>() : Result<void>(erased.error());
  }
  void complete(Result<void>) override {}
  std::size_t octets() const override { return key_.size() + (value_ ? value_->size() : 0); }

 private:
  NotebookTable table_;
  std::string key_;
  std::optional<std::string> value_;  // nullopt: erase
};

class NotebookErasure final : public lmdb::CommitRequest {
 public:
  NotebookErasure(NotebookTable table, std::string prefix) : table_(table), prefix_(std::move(prefix)) {}

  Result<void> apply(lmdb::WriteTransaction& transaction) override {
    const auto erased = lmdb::WritableTable(transaction, table_).erase_prefix(prefix_, kErasedAtOnce);
    return erased ? Result<void>() : Result<void>(erased.error());
  }
  void complete(Result<void>) override {}
  std::size_t octets() const override { return prefix_.size(); }

 private:
  static constexpr std::size_t kErasedAtOnce = 100'000;

  NotebookTable table_;
  std::string prefix_;
};

bool is_notebook_key(std::string_view key) {
  return !key.empty() && key.size() <= kMaxNotebookKey;
}

}  // namespace

Notebook::Notebook(std::unique_ptr<lmdb::LmdbEnvironment> environment)
    : environment_(std::move(environment)), commits_(std::make_unique<lmdb::CommitQueue>(*environment_)) {}

Result<std::unique_ptr<Notebook>> Notebook::open(const std::filesystem::path& data_dir) {
  auto environment =
      lmdb::LmdbEnvironment::open({.folder = data_dir / "notebook", .map_octets = kNotebookMapOctets, .tables = kNotebookTables});
  if (!environment) return environment.error();
  std::unique_ptr<Notebook> notebook(new Notebook(std::move(*environment)));
  notebook->commits_->start();
  return notebook;
}

Result<std::optional<std::string>> Notebook::find(NotebookTable table, std::string_view key) const {
  if (!is_notebook_key(key)) return std::optional<std::string>();
  lmdb::ReadTransaction transaction(*environment_);
  if (auto begun = transaction.begin(); !begun) return begun.error();
  const auto found = lmdb::Table(transaction, table).find(key);
  if (!found) return found.error();
  return *found ? std::optional<std::string>(**found) : std::nullopt;
}

Result<Notebook::Rows> Notebook::list(NotebookTable table, std::string_view prefix, std::string_view after,
                                      std::size_t limit) const {
  Rows rows;
  lmdb::ReadTransaction transaction(*environment_);
  if (auto begun = transaction.begin(); !begun) return begun.error();
  lmdb::Cursor cursor{lmdb::Table(transaction, table)};
  for (bool is_on = cursor.seek(std::max(prefix, after)); is_on && rows.size() < limit; is_on = cursor.next()) {
    if (!cursor.key().starts_with(prefix)) break;
    if (cursor.key() > after) rows.emplace_back(cursor.key(), cursor.value());
  }
  if (auto status = cursor.status(); !status) return status.error();
  return rows;
}

void Notebook::put_later(NotebookTable table, std::string key, std::string value) {
  if (!is_notebook_key(key)) return;
  commits_->submit(std::make_unique<NotebookWrite>(table, std::move(key), std::move(value)), lmdb::Urgency::Soon,
                   lmdb::Admission::Bounded);
}

void Notebook::erase_later(NotebookTable table, std::string key) {
  if (!is_notebook_key(key)) return;
  commits_->submit(std::make_unique<NotebookWrite>(table, std::move(key), std::nullopt), lmdb::Urgency::Soon,
                   lmdb::Admission::Bounded);
}

void Notebook::erase_prefix_later(NotebookTable table, std::string prefix) {
  if (!is_notebook_key(prefix)) return;
  commits_->submit(std::make_unique<NotebookErasure>(table, std::move(prefix)), lmdb::Urgency::Soon, lmdb::Admission::Bounded);
}

}  // namespace postern::store
