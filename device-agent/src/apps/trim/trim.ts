/**
 * Takes out of generated bindings what only asynchronous components need. The transpiler books a task and
 * a subtask for every call that crosses the component's border, so that calls can wait for one another;
 * in a component whose functions are all synchronous each of these books is opened and closed again
 * around one plain call. They cost more than the calls, and their code is most of what an instance runs
 * when it is made.
 *
 * What stays is what the canonical ABI asks of a synchronous call: lifting and lowering, tables of
 * handles, the check that an instance may be left, and that none is entered after a trap.
 *
 * It proves itself: a program that still names any of the books afterwards was not understood, and the
 * bindings stay as they were made.
 */
import { parse, type AnyNode, type Node } from 'acorn';
import { isBookkeeping, isChatter, isCrossing, loweredBy, markedSync, wrappedBy } from './patterns.ts';
import { PLAIN } from './plain.ts';
import { childrenOf, withoutUnreached } from './reach.ts';

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Where the books are kept. None may be left. */
const BOOKS = [
  'AsyncSubtask',
  'AsyncTask',
  'ComponentAsyncState',
  'Waitable',
  '_lowerImportBackwardsCompat',
  '_suspendingImport',
  '_trackHostOperation',
  '_withGlobalCurrentTaskMeta',
  'createNewCurrentTask',
  'getCurrentTask',
  'task',
];

class Trimmer {
  readonly edits: Edit[] = [];
  /** Import function → index of the component instance that calls it. */
  readonly #callers = new Map<string, number>();
  readonly #hasContexts: boolean;
  #lowered = 0;
  #guarded = 0;

  constructor(hasContexts: boolean) {
    this.#hasContexts = hasContexts;
  }

  visit(node: AnyNode, isInCrossing = false): void {
    const plain = node.type === 'FunctionDeclaration' ? PLAIN.get(node.id?.name ?? '') : undefined;
    if (plain !== undefined) return this.#replace(node, plain);
    if (isChatter(node)) return this.#replace(node, ';');
    const lowered = loweredBy(node);
    if (lowered !== undefined) {
      this.#callers.set(lowered.importFn, lowered.componentIdx);
      this.#lowered += 1;
      return this.#replace(node, lowered.importFn);
    }
    const marked = markedSync(node);
    if (marked !== undefined) return this.#unwrap(node, marked, '');
    const isCrossed = isInCrossing || isCrossing(node);
    if (isCrossed && this.#trim(node)) return;
    for (const child of childrenOf(node)) this.visit(child, isCrossed);
  }

  /** Inside a crossing. True when the node is dealt with. */
  #trim(node: AnyNode): boolean {
    if (isBookkeeping(node)) {
      // An export begins a task, and with it fresh task-local storage.
      const isBegin = node.type === 'VariableDeclaration' && node.declarations[0]!.id.type === 'ArrayPattern';
      this.#replace(node, isBegin && this.#hasContexts ? '_beginTask();' : ';');
      return true;
    }
    const returned = node.type === 'ReturnStatement' && node.argument ? wrappedBy(node.argument) : undefined;
    const inner = returned?.type === 'BlockStatement' ? returned : wrappedBy(node);
    if (inner === undefined || (inner.type === 'BlockStatement' && inner !== returned)) return false;
    this.#unwrap(node, inner, inner === returned ? '' : '(');
    return true;
  }

  /** Lets each import function check that its caller may be left, which its lowering did. */
  guard(node: AnyNode): void {
    if (node.type === 'VariableDeclarator' && node.id.type === 'Identifier') {
      const caller = this.#callers.get(node.id.name);
      if (caller !== undefined && node.init?.type === 'FunctionExpression') {
        const at = node.init.body.start + 1;
        this.edits.push({ start: at, end: at, text: `_checkMayLeave(${caller});` });
        this.#guarded += 1;
      }
    }
    for (const child of childrenOf(node)) this.guard(child);
  }

  /** Every lowering had an import function of its own, and that got its check. */
  get isComplete(): boolean {
    return this.#callers.size === this.#lowered && this.#guarded === this.#lowered;
  }

  #unwrap(node: Node, inner: AnyNode, bracket: '' | '('): void {
    this.edits.push({ start: node.start, end: inner.start, text: bracket });
    this.visit(inner, true);
    this.edits.push({ start: inner.end, end: node.end, text: bracket && ')' });
  }

  #replace({ start, end }: Node, text: string): void {
    this.edits.push({ start, end, text });
  }
}

function apply(source: string, edits: readonly Edit[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, text } of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    parts.push(source.slice(at, start), text);
    at = end;
  }
  return parts.join('') + source.slice(at);
}

const parsed = (body: string): AnyNode =>
  parse(body, { ecmaVersion: 'latest', allowReturnOutsideFunction: true });

/** Takes and answers the body of a function that answers `instantiate`. */
export function trimBindings(body: string): string {
  const program = parsed(body);
  const trimmer = new Trimmer(/\bfunction contextSet\(/.test(body));
  trimmer.visit(program);
  trimmer.guard(program);
  if (!trimmer.isComplete) return body;
  const trimmed = withoutUnreached(apply(body, trimmer.edits), parsed);
  return BOOKS.some((name) => trimmed.names.has(name)) ? body : trimmed.body;
}
