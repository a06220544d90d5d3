// SPDX-License-Identifier: MIT
#include "apps/roster/program.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <string>

#include <penstock/clock.h>

#include <CbcModel.hpp>  // First: the others use what it declares.

#include <CbcCutGenerator.hpp>
#include <CbcEventHandler.hpp>
#include <CbcHeuristic.hpp>
#include <CbcHeuristicFPump.hpp>
#include <CbcHeuristicRINS.hpp>
#include <CglClique.hpp>
#include <CglGomory.hpp>
#include <CglKnapsackCover.hpp>
#include <CglMixedIntegerRounding2.hpp>
#include <CglProbing.hpp>
#include <ClpEventHandler.hpp>
#include <CoinError.hpp>
#include <CoinPackedMatrix.hpp>
#include <OsiClpSolverInterface.hpp>

namespace penstock::roster {
namespace {

/// Costs are whole numbers: a solution must be better by this much to be better at all.
constexpr double step_between_costs = 0.999;
constexpr std::chrono::duration<double> longest = std::chrono::hours(24 * 365);

double round_up(double bound) { return std::ceil(bound - 1e-6); }

/// What the event handlers' copies share; lives on the stack of branch().
struct Watch {
  const ProgramOptions* options;
  SteadyTime deadline;
  const CbcModel* model = nullptr;
  std::optional<double> incumbent = std::nullopt;
  double bound = -std::numeric_limits<double>::infinity();

  /// A linear program that is being solved ends here, unfinished. What CBC concludes from that may
  /// be wrong, so nothing that it says about bounds afterwards is believed.
  [[nodiscard]] bool over() const {
    return options->stop.stop_requested() || real_clock().steady() >= deadline;
  }

  void look(double new_incumbent, double new_bound) {
    bool changed = false;
    if (new_incumbent < 1e30 && (!incumbent || new_incumbent < *incumbent - 1e-6)) {
      incumbent = std::round(new_incumbent);
      changed = true;
    }
    const double rounded = round_up(new_bound);
    if (new_bound > -1e30 && rounded > bound) {
      bound = rounded;
      changed = true;
    }
    if (changed && options->on_progress) options->on_progress(incumbent, bound);
  }
};

class Listener : public CbcEventHandler {
 public:
  explicit Listener(Watch& watch) : watch_(&watch) {}
  CbcEventHandler* clone() const override { return new Listener(*this); }

  // CBC also calls this for the small models of its heuristics, whose costs mean something else.
  CbcAction event(CbcEvent event) override {
    if (watch_->over()) return stop;
    const CbcModel* model = getModel();
    const bool told = event == node || event == solution || event == heuristicSolution;
    if (told && model == watch_->model) {
      watch_->look(model->getObjValue(), model->getBestPossibleObjValue());
    }
    return noAction;
  }

 private:
  Watch* watch_;
};

class LinearListener : public ClpEventHandler {
 public:
  explicit LinearListener(const Watch& watch) : watch_(&watch) {}
  ClpEventHandler* clone() const override { return new LinearListener(*this); }
  int event(Event) override { return watch_->over() ? 5 : -1; }

 private:
  const Watch* watch_;
};

void load(const Program& program, OsiClpSolverInterface& solver) {
  std::vector<CoinBigIndex> starts;
  std::vector<int> rows;
  std::vector<double> values;
  for (const std::size_t first : program.first_entry) {
    starts.push_back(static_cast<CoinBigIndex>(first));
  }
  for (const Program::Entry& entry : program.entries) {
    rows.push_back(entry.row);
    values.push_back(entry.value);
  }
  const std::vector<double> lower(program.cost.size(), 0.0);
  solver.loadProblem(program.columns(), program.rows(), starts.data(), rows.data(), values.data(),
                     lower.data(), program.upper.data(), program.cost.data(),
                     program.row_lower.data(), program.row_upper.data());
  for (int column = 0; column < program.columns(); ++column) solver.setInteger(column);
}

void add_cuts(CbcModel& model) {
  CglProbing probing;
  probing.setUsingObjective(1);
  probing.setMaxPass(1);
  probing.setMaxPassRoot(1);
  probing.setMaxProbeRoot(50);
  probing.setMaxLook(20);
  CglGomory gomory;
  gomory.setLimit(200);
  CglKnapsackCover knapsack;
  CglClique clique;
  clique.setStarCliqueReport(false);
  clique.setRowCliqueReport(false);
  CglMixedIntegerRounding2 rounding;
  // A negative frequency keeps a generator only while its cuts help.
  model.addCutGenerator(&probing, -1, "probing");
  model.addCutGenerator(&gomory, -1, "gomory");
  model.addCutGenerator(&knapsack, -1, "knapsack");
  model.addCutGenerator(&clique, -1, "clique");
  model.addCutGenerator(&rounding, -1, "rounding");
}

void add_heuristics(CbcModel& model) {
  CbcRounding rounding(model);
  CbcHeuristicFPump pump(model);
  pump.setMaximumPasses(20);
  CbcHeuristicRINS neighbourhood(model);
  neighbourhood.setHowOften(100);
  model.addHeuristic(&rounding, "rounding");
  model.addHeuristic(&pump, "pump");
  model.addHeuristic(&neighbourhood, "neighbourhood");
}

void set_limits(CbcModel& model, const ProgramOptions& options) {
  model.setUseElapsedTime(true);
  model.setMaximumSeconds(std::clamp(options.time_limit.count(), 0.0, longest.count()));
  model.setAllowableGap(step_between_costs);
  model.setDblParam(CbcModel::CbcCutoffIncrement, step_between_costs);
  if (options.cutoff) model.setCutoff(*options.cutoff);
}

Result<ProgramAnswer> branch(const Program& program, const ProgramOptions& options) {
  const auto limit = std::chrono::duration_cast<SteadyTime::duration>(
      std::clamp(options.time_limit, std::chrono::duration<double>(0), longest));
  Watch watch{&options, real_clock().steady() + limit};
  OsiClpSolverInterface solver;
  solver.messageHandler()->setLogLevel(0);
  solver.getModelPtr()->setLogLevel(0);
  const LinearListener linear_listener(watch);
  solver.getModelPtr()->passInEventHandler(&linear_listener);
  load(program, solver);
  solver.setHintParam(OsiDoReducePrint, true, OsiHintTry);
  CbcModel model(solver);
  model.setLogLevel(0);
  model.solver()->messageHandler()->setLogLevel(0);
  watch.model = &model;
  Listener listener(watch);
  model.passInEventHandler(&listener);
  add_cuts(model);
  add_heuristics(model);
  set_limits(model, options);
  model.initialSolve();

  ProgramAnswer answer;
  answer.bound = watch.bound;
  if (watch.over()) return answer;
  if (model.solver()->isProvenPrimalInfeasible()) {
    answer.finished = true;
    return answer;
  }
  if (!model.solver()->isProvenOptimal()) {
    return Error{Errc::internal, "CBC could not solve the linear relaxation"};
  }
  watch.look(std::numeric_limits<double>::infinity(), model.solver()->getObjValue());
  model.branchAndBound();
  const bool stopped = watch.over();
  if (model.status() == 2) return Error{Errc::internal, "CBC gave up on numerical difficulties"};
  answer.finished = model.status() == 0 && !stopped;
  if (!stopped) watch.look(1e50, model.getBestPossibleObjValue());
  answer.bound = watch.bound;
  if (model.bestSolution() != nullptr) {
    answer.values.emplace(model.bestSolution(), model.bestSolution() + program.columns());
    answer.cost = std::round(model.getObjValue());
    answer.bound = answer.finished ? answer.cost : std::min(answer.bound, answer.cost);
  }
  return answer;
}

}  // namespace

int Program::add_row(double lower, double upper_bound) {
  row_lower.push_back(lower);
  row_upper.push_back(upper_bound);
  return rows() - 1;
}

int Program::add_column(double column_cost, double upper_bound, const std::vector<Entry>& column) {
  cost.push_back(column_cost);
  upper.push_back(upper_bound);
  entries.insert(entries.end(), column.begin(), column.end());
  first_entry.push_back(entries.size());
  return columns() - 1;
}

Result<ProgramAnswer> solve_program(const Program& program, const ProgramOptions& options) {
  try {
    return branch(program, options);
  } catch (const CoinError& error) {
    return Error{Errc::internal, "CBC failed: " + error.message()};
  } catch (const std::exception& error) {
    return Error{Errc::internal, std::string("CBC failed: ") + error.what()};
  }
}

}  // namespace penstock::roster
