// How an examination walks a table that may be damaged: it ends, and says what it could not read.
#pragma once

#include "store/examination.h"
#include "store/tables.h"

#include <string>

namespace postern::store {

// Calls `visit` with the key and value of each row; reports where the walk ends early, or the table has another number of rows than
// it counts. A tree whose pages lead back to themselves has more: the walk stops there.
template <class Index, class Visit>
void walk_counting(Transaction& transaction, Index index, std::string_view name, const ReportFinding& report, Visit visit) {
  const Table table(transaction, index);
  const Result<std::uint64_t> counted = table.count();
  const std::string words = "the table " + std::string(name);
  if (!counted) return report(words + ": " + counted.error().message());
  std::uint64_t rows = 0;
  Cursor cursor(table);
  for (bool found = cursor.first(); found && rows <= *counted; found = cursor.next()) {
    ++rows;
    if (rows <= *counted) visit(cursor.key(), cursor.value());
  }
  if (Result<void> walked = cursor.status(); !walked) return report(words + ": " + walked.error().message());
  if (rows > *counted) return report(words + " counts " + std::to_string(*counted) + " rows and has more");
  if (rows < *counted) report(words + " counts " + std::to_string(*counted) + " rows and has " + std::to_string(rows));
}

}  // namespace postern::store
