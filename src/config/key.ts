import { z } from 'zod';

/*
 * How a configuration key is declared: its type, allowed range, default and description in one expression. The loader,
 * the error messages, the README's table and the example file all read these declarations.
 */

/** A whole number from `minimum` to `maximum`, both included. */
export const integer = (fallback: number, minimum: number, maximum: number, description: string) =>
  z.int().min(minimum).max(maximum).default(fallback).meta({ description });

/** A number with a fraction; TOML integers are numbers too. */
export const decimal = (fallback: number, minimum: number, maximum: number, description: string) =>
  z.number().min(minimum).max(maximum).default(fallback).meta({ description });

export const flag = (fallback: boolean, description: string) => z.boolean().default(fallback).meta({ description });

/** A whole number that is derived from other keys where it is not given. */
export const optionalInteger = (example: number, minimum: number, maximum: number, description: string) =>
  z.int().min(minimum).max(maximum).optional().meta({ description, example });

/** A boolean that is derived from other keys where it is not given. */
export const optionalFlag = (example: boolean, description: string) =>
  z.boolean().optional().meta({ description, example });

export const choice = <const Choices extends readonly [string, ...string[]]>(
  choices: Choices,
  fallback: Choices[number],
  description: string,
) => {
  const schema = z.enum(choices);
  return schema.default(schema.parse(fallback)).meta({ description });
};

const pattern = (expression: RegExp, allowed: string) => z.string().regex(expression).meta({ allowed });

const NOT_EMPTY = pattern(/^[^\0]+$/, 'a string that is not empty');
const NAME = pattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'up to 128 letters, digits, ".", "_" and "-"');
const HOST = pattern(/^[A-Za-z0-9.:_%-]+$/, 'an IP address or a host name, without a port');
const ENDPOINT = pattern(/^(grpcs?|https?):\/\/[^\s/]+(\/\S*)?$/, 'a URL: grpc://, grpcs://, http:// or https://');

const PATH = pattern(/^\/[^\s?#]*$/, 'a path that begins with /, without query');

const FILTER = pattern(/^(?!$)(?:(?:[^+#/\0]*|\+)\/)*(?:[^+#/\0]*|\+|#)$/, 'a topic filter, such as a/+/b or a/#');

const TEXT = { text: NOT_EMPTY, name: NAME, host: HOST, endpoint: ENDPOINT, path: PATH } as const;

/** A string of one of the shapes above. */
export const text = (shape: keyof typeof TEXT, fallback: string, description: string) =>
  TEXT[shape].default(fallback).meta({ description });

export const optionalText = (example: string, description: string) =>
  NOT_EMPTY.optional().meta({ description, example });

export const optionalFilter = (example: string, description: string) =>
  FILTER.optional().meta({ description, example });

/** One of `choices`, where it is given. */
export const optionalChoice = <const Choices extends readonly [string, ...string[]]>(
  choices: Choices,
  example: Choices[number],
  description: string,
) => z.enum(choices).optional().meta({ description, example });

/** An array of strings; one entry at least where it is given. */
export const optionalTexts = (example: string, description: string) =>
  z
    .array(NOT_EMPTY)
    .min(1)
    .optional()
    .meta({ description, example: [example] });

/** An array of strings, empty unless given. */
export const texts = (example: string, description: string) =>
  z
    .array(NOT_EMPTY)
    .default([])
    .meta({ description, example: [example] });

/** An array of some of `choices`, where order counts. */
export const optionalChoices = <const Choices extends readonly [string, ...string[]]>(
  choices: Choices,
  description: string,
) =>
  z
    .array(z.enum(choices))
    .min(1)
    .optional()
    .meta({ description, example: [...choices] });

export const requiredText = (example: string, description: string) => NOT_EMPTY.meta({ description, example });

export const requiredFilter = (example: string, description: string) => FILTER.meta({ description, example });

export const requiredFlag = (example: boolean, description: string) => z.boolean().meta({ description, example });

export const requiredDecimal = (example: number, minimum: number, maximum: number, description: string) =>
  z.number().min(minimum).max(maximum).meta({ description, example });

/** One of `choices`, without a default. */
export const requiredChoice = <const Choices extends readonly [string, ...string[]]>(
  choices: Choices,
  example: Choices[number],
  description: string,
) => z.enum(choices).meta({ description, example });

/** A TOML table; left out, it has all its defaults. */
export const table = <Shape extends z.ZodRawShape>(description: string, shape: Shape) =>
  z
    .object(shape)
    .prefault({} as never)
    .meta({ description });

/** An array of tables, `[[name]]` in TOML. */
export const tables = <Shape extends z.ZodRawShape>(
  description: string,
  shape: Shape,
  fallback: readonly z.input<z.ZodObject<Shape>>[] = [],
) =>
  z
    .array(z.object(shape))
    .prefault([...fallback] as never)
    .meta({ description });
